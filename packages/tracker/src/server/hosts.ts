import { tryParseAddress, type Address } from '@grp/core';

/**
 * Who is behind an address, for limits and bans: an IPv4 address, or the first 64 bits of an IPv6 one, for a single
 * customer has all the others.
 */
export function hostOf(address: Address): string {
  const host = tryParseAddress(address)?.host ?? address;
  if (!host.includes(':')) return host;
  const [head = '', tail] = (host.split('%', 1)[0] ?? host).toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const groups = [...left, ...(tail === undefined ? [] : zeros), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::`;
}

const privateHosts =
  /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;
const privateHosts6 = /^(?:::1$|f[cd]|fe[89ab])/i;

/** Loopback, link-local, private (RFC 1918, RFC 4193) or carrier-grade NAT (RFC 6598): nobody out there. */
export function isPrivateHost(host: string): boolean {
  return host.includes(':') ? privateHosts6.test(host) : privateHosts.test(host);
}

export function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1' || host === '0:0:0:0::';
}

/**
 * May a client that connects from `peer` tell a group to send there? Only to a private address, or to its own: otherwise a
 * whole group could be pointed at somebody who has nothing to do with it. Names are refused; they may change.
 */
export function isOwnAddress(address: Address, peer: Address): boolean {
  const parsed = tryParseAddress(address);
  if (parsed === undefined || parsed.port === 0 || !/^[\d.]+$|:/.test(parsed.host)) return false;
  if (!parsed.host.includes(':') && !isIpv4(parsed.host)) return false;
  return isPrivateHost(parsed.host) || hostOf(address) === hostOf(peer);
}

function isIpv4(host: string): boolean {
  const parts = host.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}
