import { BlockList, isIP } from 'node:net';
import { networkError } from './errors.ts';

/** Says whether an IP address may talk to this node. */
export interface AllowList {
  has(host: string): boolean;
}

/**
 * Makes an allow-list of CIDR ranges or single addresses. An IPv4 range also holds for IPv4-mapped IPv6 addresses.
 * @param ranges undefined allows everyone; an empty list allows no one
 * @throws GrpError NETWORK_CIDR_INVALID, naming every bad range
 */
export function allowList(ranges: readonly string[] | undefined): AllowList {
  if (ranges === undefined) return { has: () => true };
  const list = new BlockList();
  const bad = ranges.filter((range) => !add(list, range.trim()));
  if (bad.length > 0) {
    const shown = bad.slice(0, 8).map((range) => JSON.stringify(range.slice(0, 60)));
    throw networkError('NETWORK_CIDR_INVALID', { context: { ranges: shown.join(', '), badCount: bad.length } });
  }
  return {
    has(host) {
      const zoneAt = host.indexOf('%'); // a link-local address arrives with its interface's name
      const plain = zoneAt < 0 ? host : host.slice(0, zoneAt);
      return list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4');
    },
  };
}

function add(list: BlockList, range: string): boolean {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(range);
  const host = match?.[1] ?? '';
  const family = isIP(host);
  if (match === null || family === 0) return false;
  const bits = family === 4 ? 32 : 128;
  const prefix = match[2] === undefined ? bits : Number(match[2]);
  if (prefix > bits) return false;
  list.addSubnet(host, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return true;
}
