import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { portsPerNode, takenPort } from '../cluster/ports.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

const answerWithinMs = 1_000;
const bufferBytesWanted = 1_048_576;

/** Whether a datagram sent to `host` from this machine arrives. */
export async function checkDatagrams(host: string, check: string): Promise<Finding> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    const port = await bound(socket, host);
    const arrived = once(socket, 'message', answerWithinMs);
    await sent(socket, Buffer.from('grp'), port, isIPv6(host) ? '::1' : host === '0.0.0.0' ? '127.0.0.1' : host);
    if (await arrived) return ok(check, `Datagrams reach ${host}.`);
    return problem(
      check,
      `A datagram sent to ${host} on this machine does not arrive.`,
      'A local firewall drops UDP: allow it (iptables -L, nft list ruleset).',
    );
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return problem(
      check,
      `UDP on ${host} does not work (${code ?? String(cause)}).`,
      'Use an address of this machine in --bind; see them with: ip address',
    );
  } finally {
    socket.close();
  }
}

/** Whether the ports that a node would use are free. */
export async function checkPorts(host: string, base: number): Promise<Finding> {
  if (base === 0) return ok('ports', 'Port 0 takes free ports.');
  const taken = await takenPort(host, base);
  const range = `${base} to ${base + portsPerNode - 1}`;
  if (taken === undefined) return ok('ports', `Ports ${range} on ${host} are free.`);
  return warning(
    'ports',
    `Port ${taken} on ${host} is taken or not allowed: a node with this base port cannot start here.`,
    `If that is no node of yours, choose another base port: --bind ${host}:${base + 1_000}`,
  );
}

/** How much the system lets a UDP socket hold: what does not fit in a burst is lost. */
export async function checkBuffers(): Promise<Finding> {
  const socket = createSocket('udp4');
  try {
    await bound(socket, '127.0.0.1');
    socket.setRecvBufferSize(bufferBytesWanted);
    socket.setSendBufferSize(bufferBytesWanted);
    // Linux answers with twice what it granted, for its own bookkeeping (socket(7)).
    const share = process.platform === 'linux' ? 2 : 1;
    const granted = Math.min(socket.getRecvBufferSize(), socket.getSendBufferSize()) / share;
    if (granted >= bufferBytesWanted) return ok('buffers', 'UDP sockets may have buffers of 1 MiB.');
    return warning(
      'buffers',
      `UDP sockets get ${Math.round(granted / 1_024)} KiB of buffer at most: bursts in large clusters lose datagrams.`,
      `As root: sysctl -w net.core.rmem_max=${bufferBytesWanted} net.core.wmem_max=${bufferBytesWanted}`,
    );
  } catch (cause) {
    return warning(
      'buffers',
      `UDP buffer sizes cannot be set (${(cause as Error).message}).`,
      'Raise net.core.rmem_max and net.core.wmem_max.',
    );
  } finally {
    socket.close();
  }
}

/** Binds to a free port and says which. */
function bound(socket: Socket, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: host, port: 0 }, () => {
      socket.off('error', reject);
      resolve(socket.address().port);
    });
  });
}

/** Sends one datagram. */
function sent(socket: Socket, payload: Uint8Array, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(payload, port, host, (cause) => (cause === null ? resolve() : reject(cause)));
  });
}

/** Whether an event comes in time; rejects with an error of the socket, such as a refusal that came back. */
export function once(socket: Socket, event: 'message', withinMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    socket.once(event, () => {
      clearTimeout(timer);
      resolve(true);
    });
    socket.once('error', (cause) => {
      clearTimeout(timer);
      reject(cause);
    });
  });
}
