import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { parseAddress } from '@grp/core';
import { bound, once, sent } from './sockets.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

// A memberlist ping to nobody by name: type 0, then a MessagePack map {SeqNo: 1, Node: ""}. Any member answers it.
const ping = Uint8Array.of(0, 0x82, 0xa5, ...ascii('SeqNo'), 1, 0xa4, ...ascii('Node'), 0xa0);

/** Whether a peer can be reached: its name, then TCP, then UDP. */
export async function checkPeer(text: string, timeoutMs: number): Promise<readonly Finding[]> {
  const { host, port } = parseAddress(text, 7_946);
  let address: string;
  try {
    ({ address } = await lookup(host));
  } catch {
    return [problem('peer-name', `${host} has no address.`, 'Check the name, or use the IP address.')];
  }
  return Promise.all([peerTcp(address, port, timeoutMs), peerUdp(address, port, timeoutMs)]);
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
    await bound(socket, six ? '::' : '0.0.0.0');
    const heard = once(socket, 'message', timeoutMs);
    await sent(socket, ping, port, host);
    if (await heard) return ok('peer-udp', `UDP reaches ${where}: it answered a ping.`);
    return warning(
      'peer-udp',
      `UDP to ${where}: no answer to a ping within ${timeoutMs} ms.`,
      'Allow UDP to this port on the peer, both ways; a peer with a cluster key or a label never answers this ping.',
    );
  } catch (cause) {
    return problem(
      'peer-udp',
      `UDP to ${where}: ${String((cause as Error).message)}.`,
      'Check the route to the peer: ip route get ADDRESS',
    );
  } finally {
    socket.close();
  }
}

function ascii(text: string): readonly number[] {
  return [...text].map((character) => character.charCodeAt(0));
}
