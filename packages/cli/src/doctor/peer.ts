import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { parseAddress } from '@grp/core';
import { checkSkew } from './skew.ts';
import { once } from './sockets.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

// A memberlist ping to whoever is there: type 0, then a MessagePack map {SeqNo: 1, Node: "", SourceNode: ""}. Any member
// answers it. The last field only makes it long: members send strangers no more bytes than they received.
const ping = Buffer.from('\u0000\u0083\u00A5SeqNo\u0001\u00A4Node\u00A0\u00AASourceNode\u00A0', 'latin1');

const longBytes = 1_400;
// One field more, which members pass over: "Pad", as bytes of the length that is missing.
const padHead = Buffer.from('\u00A3Pad\u00C5', 'latin1');
const padBytes = longBytes - ping.length - padHead.length - 2;
const paddedPing = Buffer.concat([
  Buffer.from([ping[0] ?? 0, 0x84]),
  ping.subarray(2),
  padHead,
  Buffer.from([padBytes >> 8, padBytes & 0xff]),
  Buffer.alloc(padBytes),
]);

/** Whether a peer can be reached: its name, then TCP, then UDP. */
export async function checkPeer(text: string, timeoutMs: number): Promise<readonly Finding[]> {
  const { host, port } = parseAddress(text, 7_946);
  let address: string;
  try {
    ({ address } = await lookup(host));
  } catch {
    return [problem('peer-name', `${host} has no address.`, 'Check the name, or use the IP address.')];
  }
  return Promise.all([
    peerTcp(address, port, timeoutMs),
    peerUdp(address, port, timeoutMs),
    checkSkew(address, port, timeoutMs),
  ]);
}

function peerTcp(host: string, port: number, timeoutMs: number): Promise<Finding> {
  const where = `${host}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    socket.setTimeout(timeoutMs, () =>
      end(
        problem(
          'peer-tcp',
          `TCP to ${where}: no answer within ${timeoutMs} ms.`,
          'A firewall in between drops it: allow TCP to this port on the peer.',
        ),
      ),
    );
    socket.once('connect', () => end(ok('peer-tcp', `TCP reaches ${where}.`)));
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      end(
        problem(
          'peer-tcp',
          `TCP to ${where}: ${code ?? message}.`,
          'Is the peer running, and is this the port of its role swim?',
        ),
      ),
    );
  });
}

async function peerUdp(host: string, port: number, timeoutMs: number): Promise<Finding> {
  const where = `${host}:${port}`;
  const six = host.includes(':');
  const socket = createSocket(six ? 'udp6' : 'udp4');
  try {
    // A connected socket hears of refusals, which come back by ICMP.
    await connected(socket, port, host);
    const heard = once(socket, 'message', timeoutMs);
    socket.send(ping);
    if (await heard) return await longPing(socket, where, timeoutMs);
    return warning(
      'peer-udp',
      `UDP to ${where}: no answer to a ping within ${timeoutMs} ms.`,
      'Allow UDP to this port on the peer, both ways; a peer with a cluster key or a label never answers this ping.',
    );
  } catch (cause) {
    const refused = (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    const fix = refused
      ? 'Is the peer running, and is this the port of its role swim?'
      : 'Check the route to the peer: ip route get ADDRESS';
    return problem('peer-udp', `UDP to ${where}: ${(cause as Error).message}.`, fix);
  } finally {
    socket.close();
  }
}

/** The same ping, as long as our datagrams may be: a tunnel on the way may carry short ones alone. */
async function longPing(socket: Socket, where: string, timeoutMs: number): Promise<Finding> {
  const heard = once(socket, 'message', timeoutMs);
  socket.send(paddedPing);
  if (await heard)
    return ok('peer-udp', `UDP reaches ${where}: it answered pings of ${ping.length} and ${longBytes} bytes.`);
  return warning(
    'peer-udp',
    `UDP to ${where}: a short ping was answered, one of ${longBytes} bytes was not.`,
    'Something on the way drops long datagrams or their pieces: find the path MTU (tracepath), or raise that of the tunnel.',
  );
}

function connected(socket: Socket, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, host, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
