// Clients of an IRC server, as thin as they can be, and Debian's ngircd to serve them.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Talkers } from './talkers.ts';

const places = ['/usr/sbin/ngircd', '/usr/local/sbin/ngircd'];

export interface IrcServer {
  readonly port: number;
  close(): void;
}

export interface IrcClient {
  readonly socket: Socket;
  listener: (text: string) => void;
}

/** Undefined where ngircd is not installed. It looks up nothing and punishes nobody for writing fast. */
export async function startIrcServer(): Promise<IrcServer | undefined> {
  const program = places.find((place) => existsSync(place));
  if (program === undefined) return undefined;
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'grp-irc-'));
  const file = join(folder, 'ngircd.conf');
  const limits = '[Limits]\nMaxConnections = 500\nMaxConnectionsIP = 0\nMaxPenaltyTime = 0\n';
  const global = `[Global]\nName = irc.test\nInfo = bench\nListen = 127.0.0.1\nPorts = ${port}\nMotdPhrase = hi\n`;
  writeFileSync(file, `${global}${limits}[Options]\nDNS = no\nIdent = no\nPAM = no\n`);
  const server = spawn(program, ['-n', '-f', file], { stdio: 'ignore' });
  const close = (): void => {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 100 && server.exitCode === null; attempt++) {
    if (await isListening(port)) return { port, close };
    await sleep(50);
  }
  close();
  throw new Error('ngircd does not answer');
}

/** Undefined when the connection fails. */
export function joinIrc(nick: string, dial: () => Socket): Promise<IrcClient | undefined> {
  return new Promise((resolve) => {
    const socket = dial();
    const client: IrcClient = { socket, listener: () => {} };
    let rest = '';
    socket.on('error', () => resolve(undefined));
    socket.on('connect', () => socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\nJOIN #tea\r\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [source, command] = line.split(' ', 2);
        if (source === 'PING') socket.write(`${line.replace('PING', 'PONG')}\r\n`);
        else if (command === '366') resolve(client); // end of the names: it is in
        else if (command === 'PRIVMSG') client.listener(line.slice(line.indexOf(' :') + 2));
      }
    });
  });
}

/** Clients in one channel, all in this process; undefined where ngircd is not installed. */
export async function openIrc(count: number): Promise<Talkers | undefined> {
  const server = await startIrcServer();
  if (server === undefined) return undefined;
  const clients: IrcClient[] = [];
  for (let index = 0; index < count; index++) {
    const dial = (): Socket => connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    const client = await joinIrc(`n${index}`, dial);
    if (client === undefined) throw new Error('ngircd has closed a connection');
    clients.push(client);
  }
  return {
    name: 'ngircd',
    send: (index, text) => clients[index]?.socket.write(`PRIVMSG #tea :${text}\r\n`),
    onMessage: (index, listener) => {
      const client = clients[index];
      if (client !== undefined) client.listener = listener;
    },
    async close() {
      for (const { socket } of clients) socket.destroy();
      server.close();
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
