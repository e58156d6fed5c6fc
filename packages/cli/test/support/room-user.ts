// A user in a process of its own, for soaks: `use CONFIG DIR ROOM NAME` writes and reads until stdin ends, then prints all it
// saw; `copy CONFIG DIR ROOM SERVER` prints that server's own copy of the room.
import { readFile } from 'node:fs/promises';
import { ChatClient, parseClusterFile } from '@grp/chat';
import { readLogin } from '../../src/chat/token.ts';
import { useRoom } from './room-history.ts';

const [verb, config = '', dir = '', room = '', name = ''] = process.argv.slice(2);
const servers = parseClusterFile(await readFile(config, 'utf8'));
const wanted = verb === 'copy' ? servers.filter(({ id }) => id === name) : servers;
const client = new ChatClient({ servers: wanted.map((server) => server.client), token: (await readLogin(dir))?.token });
if (verb === 'copy') process.stdout.write(JSON.stringify(await client.history(room, { local: true })));
else {
  const stop = new AbortController();
  process.stdin.resume().once('end', () => stop.abort());
  const options = { room, by: name, pauseMs: 20, timeoutMs: 3_000, signal: stop.signal };
  process.stdout.write(JSON.stringify(await useRoom(client, options)));
}
client.close();
