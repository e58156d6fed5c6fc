import { expect, test } from 'vitest';
import { parseClusterFile } from '../src/cluster-file.ts';

test('the short form has the peers 1,000 ports above, the long one says where', () => {
  const text = JSON.stringify({
    servers: { server1: 'localhost:8001', b: { client: '10.0.0.2:1', peer: '10.0.0.2:2' } },
  });
  expect(parseClusterFile(text)).toEqual([
    { id: 'server1', client: 'localhost:8001', peer: 'localhost:9001' },
    { id: 'b', client: '10.0.0.2:1', peer: '10.0.0.2:2' },
  ]);
});

test.each([
  ['{', 'is no JSON'],
  ['[]', 'no object "servers"'],
  ['{"servers":{}}', 'names no servers'],
  ['{"servers":{"a b":"x:1","c":"nonsense","d":5}}', '"a b" is no name of a server; c has no address host:port; d has'],
  ['{"servers":{"a":"h:65000"}}', 'a has no usable peer address'],
  ['{"servers":{"a":"h:1","b":"h:1"}}', 'h:1 is there twice'],
])('%s is refused', (text, problem) => {
  expect(() => parseClusterFile(text)).toThrow(problem);
});
