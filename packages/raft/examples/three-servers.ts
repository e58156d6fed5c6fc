// Three servers in one process agree on a map; the leader dies, and nothing is lost.
import { systemClock, systemRandom } from '@grp/core';
import {
  decodeMapAnswer,
  encodeMapCommand,
  MapStateMachine,
  MemoryStorage,
  raftConfig,
  RaftMachine,
  Replica,
  SessionedStateMachine,
  type Ended,
} from '@grp/raft';

const voters = ['ann', 'bob', 'cat'];
const servers = new Map<string, Replica>();
const clock = systemClock();

for (const id of voters) {
  const bootstrap = { voters, outgoing: [], learners: [], addresses: {} };
  const machine = new RaftMachine({ id, config: raftConfig.resolve(), random: systemRandom(), bootstrap });
  const replica = new Replica({
    machine,
    stateMachine: new SessionedStateMachine(new MapStateMachine()),
    storage: new MemoryStorage(queueMicrotask),
    peers: { send: (to, message) => setImmediate(() => servers.get(to)?.receive(id, message)), configure: () => {} },
    clock,
    onFatal: (cause) => console.error(cause),
  });
  servers.set(id, replica);
}
for (const server of servers.values()) server.start();

async function leader(): Promise<Replica> {
  for (;;) {
    const found = [...servers.values()].find((server) => server.status().role === 'leader');
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function ask(command: Parameters<typeof encodeMapCommand>[0]): Promise<Ended> {
  const bytes = encodeMapCommand(command);
  const payload = { type: 'command', session: 0, sequence: 0, acknowledged: 0, command: bytes } as const;
  for (;;) {
    const replica = await leader();
    const ended = await new Promise<Ended>((resolve) => replica.propose(payload, resolve));
    if (ended.type !== 'not-done') return ended; // surely not done: another one leads by now
  }
}

await ask({ type: 'put', key: 'colour', value: 'blue' });
const first = (await leader()).status().id;
console.log(`${first} leads and has written`);
servers.get(first)?.stop();
servers.delete(first);

const read = await ask({ type: 'get', key: 'colour' });
const answer = read.type === 'done' ? decodeMapAnswer(read.answer).value : read.type;
console.log(`${(await leader()).status().id} leads now, and the colour is ${String(answer)}`);
for (const server of servers.values()) server.stop();
