// The datagrams of one multicast in total order, and nothing else: what sockets, processes and this machine take.
import { createSocket, type Socket } from 'node:dgram';
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const warmUp = 5_000;
const rounds = 10_000;

export interface FloorFigures {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** From one process to `others` and back from each, one round after the other, in bare UDP. */
export async function measureFloor(others: number, bytes: number): Promise<FloorFigures> {
  const script = fileURLToPath(import.meta.url);
  const children = Array.from({ length: others }, () => fork(script, ['echo'], { execArgv: process.execArgv }));
  const sockets: Socket[] = [];
  try {
    for (const child of children) sockets.push(await connected(await portOf(child)));
    const payload = new Uint8Array(bytes);
    const tookUs: number[] = [];
    for (let round = 0; round < warmUp + rounds; round++) {
      const startedAt = performance.now();
      const answered = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('message', resolve))));
      for (const socket of sockets) socket.send(payload);
      await answered;
      if (round >= warmUp) tookUs.push((performance.now() - startedAt) * 1_000);
    }
    const sorted = tookUs.toSorted((one, other) => one - other);
    const at = (share: number): number => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
    return { p50Us: at(0.5), p99Us: at(0.99) };
  } finally {
    for (const socket of sockets) socket.close();
    for (const child of children) child.kill();
  }
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', (port) => resolve(Number(port)));
    child.once('exit', (code) => reject(new Error(`an echo ended with code ${code}`)));
  });
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => socket.connect(port, '127.0.0.1', () => resolve(socket)));
  });
}

function echo(): void {
  const socket = createSocket('udp4');
  socket.once('message', (_, { port, address }) => {
    socket.on('message', (message) => socket.send(message));
    socket.connect(port, address, () => socket.send(new Uint8Array(1)));
  });
  socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port));
  process.once('disconnect', () => process.exit(0));
}

if (process.argv[2] === 'echo') echo();
