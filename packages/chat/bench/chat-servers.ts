// Chat servers as they really run: whole nodes of the command line, in processes of their own.
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, toBinary } from '@bufbuild/protobuf';
// @boundaries-ignore the benches put the same load on both
import { Http2Client } from '../../raft/bench/http2-client.ts';
// @boundaries-ignore the benches put the same load on both
import { freePorts, pause } from '../../raft/bench/raft-cluster.ts';
import { LoginRequestSchema, RegisterRequestSchema } from '../src/gen/grp/chat/v1/chat_pb.ts';
import { tokenOf } from './chat-load.ts';

const commandLine = fileURLToPath(new URL('../../cli/bin/dev.ts', import.meta.url));

export interface ChatServers {
  readonly pids: readonly number[];
  /** gRPC addresses. */
  readonly addresses: readonly string[];
  /** Of a session that every client of the measurement shares. */
  readonly token: string;
  readonly leader: string;
  stop(): Promise<void>;
}

/** Starts servers and waits until the one with the greatest id leads: leaders do not change after that. */
export async function startChat(size: number, folder: string, nodeArgs: readonly string[]): Promise<ChatServers> {
  const ports = await freePorts(size * 4);
  const ids = Array.from({ length: size }, (_, index) => `n${index + 1}`);
  const addresses = ids.map((_, index) => `127.0.0.1:${ports[index]}`);
  const servers = Object.fromEntries(
    ids.map((id, index) => [id, { client: addresses[index], peer: `127.0.0.1:${ports[size + index]}` }]),
  );
  const cluster = join(folder, 'cluster_config.json');
  writeFileSync(cluster, JSON.stringify({ servers }));
  const children = ids.map((id, index) => {
    const common = ['node', 'start', '--name', id, '--role', 'chat', '--cluster-config', cluster];
    const own = ['--data-dir', join(folder, id), '--http', `127.0.0.1:${ports[2 * size + index]}`];
    const child = spawn(process.execPath, [...process.execArgv, ...nodeArgs, commandLine, ...common, ...own], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(join(folder, `${id}.log`));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    return child;
  });
  const pids = children.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  const stop = async (): Promise<void> => void (await Promise.all(children.map((child) => ended(child))));
  try {
    const leader = addresses.at(-1) as string;
    return { pids, addresses, leader, token: await session(leader), stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** Registers and logs in at one server, as soon as it leads. */
async function session(address: string): Promise<string> {
  const account = { name: 'bench', password: 'password of the bench' };
  const requestId = new Uint8Array(16).fill(1);
  const register = toBinary(RegisterRequestSchema, create(RegisterRequestSchema, { requestId, ...account }));
  const login = toBinary(LoginRequestSchema, create(LoginRequestSchema, account));
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await pause(200)) {
    if ((await call(address, 'Register', register)) === undefined) continue;
    const answer = await call(address, 'Login', login);
    if (answer !== undefined) return tokenOf(answer);
  }
  throw new Error(`${address} does not lead after 60 s`);
}

/** Undefined: refused, or not there. */
function call(address: string, method: string, message: Uint8Array): Promise<Buffer | undefined> {
  const [host = '', port] = address.split(':');
  const client = new Http2Client(host, Number(port));
  return new Promise((resolve) => {
    let answer: Buffer | undefined;
    client.unary(client.headers(`/grp.chat.v1.Chat/${method}`), Buffer.from(message), {
      onMessage: (bytes) => (answer = Buffer.from(bytes)),
      onEnd: () => {
        client.close();
        resolve(answer);
      },
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
    child.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
