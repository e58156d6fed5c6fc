import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { ok, warning, type Finding } from './finding.ts';

/** What a datagram of ours takes of a link: 1,400 bytes with its IP and UDP headers. */
const linkBytesWanted = 1_448;

/** Whether the link that an address belongs to carries our datagrams in one piece. */
export async function checkMtu(
  host: string,
  readMtu = (name: string): Promise<string> => readFile(`/sys/class/net/${name}/mtu`, 'utf8'),
): Promise<Finding> {
  const every = host === '0.0.0.0' || host === '::';
  const names = Object.entries(networkInterfaces())
    .filter(
      ([, addresses]) => addresses?.some(({ address, internal }) => (every ? !internal : address === host)) === true,
    )
    .map(([name]) => name);
  if (names.length === 0 && !every)
    return ok('mtu', `${host} is no address of this machine: its link is not looked at.`);
  const small: string[] = [];
  for (const name of names) {
    const mtu = Number(await readMtu(name).catch(() => '')) || undefined;
    if (mtu === undefined) return ok('mtu', 'The size of packets on the link cannot be read on this system.');
    if (mtu < linkBytesWanted) small.push(`${name} ${mtu}`);
  }
  if (small.length === 0) return ok('mtu', `The link of ${host} carries datagrams of 1,400 bytes in one piece.`);
  return warning(
    'mtu',
    `The link carries packets of ${small.join(', ')} bytes at most: datagrams of 1,400 bytes go in pieces, and one lost piece loses all.`,
    `As root: ip link set ${(small[0] ?? '').split(' ')[0] ?? 'LINK'} mtu 1500, if the network below carries that (a tunnel may not)`,
  );
}
