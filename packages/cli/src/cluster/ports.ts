import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Ports that a node may use from its base port on: one for each role and one for HTTP. */
export const portsPerNode = 8;

/** Whether a port can be bound here, by TCP and by UDP. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  return (await tcpFree(host, port)) && (await udpFree(host, port));
}

/** The first port from `base` on, of a node's, that is taken; undefined when all are free. */
export async function takenPort(host: string, base: number): Promise<number | undefined> {
  for (let port = base; port < base + portsPerNode; port++) {
    if (!(await isPortFree(host, port))) return port;
  }
  return undefined;
}

/**
 * Base ports with all their ports free, below the range from which systems take ports for outgoing connections (32,768 on
 * Linux), so that they stay free for a restart.
 */
export async function freeBasePorts(host: string, count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count && attempt < count * 100; attempt++) {
    const base = 12_000 + Math.floor(Math.random() * 2_500) * portsPerNode;
    if (!found.has(base) && (await takenPort(host, base)) === undefined) found.add(base);
  }
  return [...found];
}

function tcpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function udpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
