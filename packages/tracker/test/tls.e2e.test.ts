import { readFile } from 'node:fs/promises';
import { streamsConformance } from '@grp/sim';
import { openNetwork } from '@grp/transport-udp';
import { test } from 'vitest';
import { tlsStreams } from '../src/node/index.ts';

const cert = await readFile(new URL('fixtures/cert.pem', import.meta.url), 'utf8');
const key = await readFile(new URL('fixtures/key.pem', import.meta.url), 'utf8');

streamsConformance({
  name: 'TLS',
  test,
  supports: { blackhole: 'the plain streams below are judged with one' },
  open: async () => {
    const [one, other] = [await openNetwork({ bind: '127.0.0.1:0' }), await openNetwork({ bind: '127.0.0.1:0' })];
    const tls = { server: { cert, key }, client: { ca: cert } };
    const [a, b] = [tlsStreams({ ...tls, streams: one.streams }), tlsStreams({ ...tls, streams: other.streams })];
    const close = async (): Promise<void> => {
      await Promise.all([a.close(), b.close()]);
      await Promise.all([one.close(), other.close()]);
    };
    return { a, b, close };
  },
});
