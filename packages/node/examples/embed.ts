// Two members of a swim cluster in one process, asked over HTTP like any other node.
// Run it with: node --conditions=@grp/source packages/node/examples/embed.ts
import { createLogger, createNode } from '@grp/node';

const logger = createLogger({ format: 'pretty', level: 'info' }); // to stderr
const ann = await createNode({ roles: ['swim'], name: 'ann', bind: '127.0.0.1:0', logger });
await ann.start();

const seed = `127.0.0.1:${ann.status().ports.swim}`;
const bob = await createNode({ roles: ['swim'], name: 'bob', bind: '127.0.0.1:0', join: [seed], tags: { dc: 'a' } });
await bob.start();
await bob.ready(); // a seed has answered

const answer = await fetch(`${bob.http}/v1/swim/members`);
const { members } = (await answer.json()) as { members: { name: string; status: string }[] };
console.log(members.map(({ name, status }) => `${name} is ${status}`).join(', '));

await bob.stop(); // tells ann that it leaves
await ann.stop();
