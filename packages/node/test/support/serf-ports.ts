import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Loopback ports that are free now, for UDP and TCP alike; all are held until the last is found, so they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  const held: (() => void)[] = [];
  try {
    while (ports.length < count) {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      held.push(() => server.close());
      const { port } = server.address() as { port: number };
      if (await udpIsFree(port)) ports.push(port);
    }
  } finally {
    for (const release of held) release();
  }
  return ports;
}

function udpIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
