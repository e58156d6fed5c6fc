// Clients of an IRC server, as thin as they can be, and Debian's ngircd to serve them.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Talkers } from './talkers.ts';

const places = ['/usr/sbin/ngircd', '/usr/local/sbin/ngircd'];

/** Undefined where ngircd is not installed. */
export async function openIrc(count: number): Promise<Talkers | undefined> {
  const program = places.find((place) => existsSync(place));
  if (program === undefined) return undefined;
  const port = await freePort();
  const file = join(mkdtempSync(join(tmpdir(), 'grp-irc-')), 'ngircd.conf');
  const limits = '[Limits]\nMaxConnections = 500\nMaxConnectionsIP = 0\nMaxPenaltyTime = 0\n';
  const global = `[Global]\nName = irc.test\nInfo = bench\nListen = 127.0.0.1\nPorts = ${port}\nMotdPhrase = hi\n`;
  writeFileSync(file, `${global}${limits}[Options]\nDNS = no\nIdent = no\nPAM = no\n`);
  const server = spawn(program, ['-n', '-f', file], { stdio: 'ignore' });
  const clients: IrcClient[] = [];
  for (let index = 0; index < count; index++) clients.push(await joinOne(`n${index}`, port, server));
  return {
    name: 'ngircd',
    send: (index, text) => clients[index]?.socket.write(`PRIVMSG #tea :${text}\r\n`),
    onMessage: (index, listener) => {
      const client = clients[index];
      if (client !== undefined) client.listener = listener;
    },
    async close() {
      for (const { socket } of clients) socket.destroy();
      server.kill();
    },
  };
}

interface IrcClient {
  readonly socket: Socket;
  listener: (text: string) => void;
}

async function joinOne(nick: string, port: number, server: ChildProcess): Promise<IrcClient> {
  for (let attempt = 0; attempt < 100 && server.exitCode === null; attempt++) {
    const client = await tryJoin(nick, port);
    if (client !== undefined) return client;
    await sleep(50);
  }
  throw new Error('ngircd does not answer');
}

function tryJoin(nick: string, port: number): Promise<IrcClient | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client: IrcClient = { socket, listener: () => {} };
    let rest = '';
    socket.on('error', () => resolve(undefined));
    socket.on('connect', () => socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\nJOIN #tea\r\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('PING')) socket.write(line.replace('PING', 'PONG') + '\r\n');
        else if (line.includes(' 366 ')) resolve(client); // end of the names: it is in
        else if (line.includes(' PRIVMSG ')) client.listener(line.slice(line.indexOf(' :') + 2));
      }
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
