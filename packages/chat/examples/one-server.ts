// One server of the chat with a log that is only in memory, and a client: what changes, changes through the log.
import { ChatClient, ChatMachine, createChatServer, type ReplicatedLog } from '@grp/chat';
import { formatAddress, systemClock } from '@grp/core';

const machine = new ChatMachine();
let index = 0;
const log: ReplicatedLog = {
  propose: async (command) => machine.apply(command, ++index), // raft does this on a majority's disks
  readBarrier: async () => {},
  leader: () => undefined,
  serving: true,
};
const bind = formatAddress('127.0.0.1', 0);
const server = createChatServer({ bind, machine, log, clock: systemClock() });
const { port } = await server.start();

const ann = new ChatClient({ servers: [`127.0.0.1:${port}`] });
await ann.register('ann', 'correct horse battery staple');
await ann.login('ann', 'correct horse battery staple');
await ann.send('general', 'hello');
await ann.send('general', 'is anybody there?');
for await (const { from, text, sequence } of ann.watch('general')) {
  console.log(`${sequence} ${from}: ${text}`);
  if (sequence === 2) break;
}
ann.close();
await server.close(0);
