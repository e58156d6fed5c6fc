// The program of one grp node in these tests: a process of its own, so that it can be killed as a crash would. Takes the
// options as JSON, says `{name, http, address}` in one line of stdout once it has joined, and ends with its stdin.
import { createLogger } from '../../src/logging.ts';
import { createNode } from '../../src/create-node.ts';
import type { NodeOptions } from '../../src/options.ts';
import { answerTo } from './serf-handler.ts';

const options = JSON.parse(process.argv[2] as string) as NodeOptions;
const node = await createNode({ ...options, logger: createLogger({ format: 'json', level: 'debug' }) });
node.onStopped(() => process.exit(0));
process.stdin.on('end', () => process.exit(1)).resume();
node.swim?.on((event) => {
  if (event.type !== 'query') return;
  const answer = answerTo(node.name, event.name, new TextDecoder().decode(event.payload));
  event.respond(new TextEncoder().encode(answer));
});
await node.start();
await node.ready();
process.stdout.write(`${JSON.stringify({ name: node.name, http: node.http, address: node.swim?.self.address })}\n`);
