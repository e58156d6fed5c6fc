import { tryParseAddress, type Address } from '@grp/core';
import { wireError } from './errors.ts';

const octets = Array.from({ length: 256 }, (_, octet) => String(octet));
/** An address as the wire has it: 4 or 16 bytes, and a port. */
export interface WireAddress {
  readonly ip: Uint8Array;
  readonly port: number;
}

/**
 * Writes the four bytes of `a.b.c.d:port` and gives the port: no allocation, for it is done for most messages. −1 for
 * anything else, IPv6 and leading zeros included; what it has written by then counts for nothing.
 */
export function parseIpv4Into(target: Uint8Array, offset: number, address: string): number {
  let octet = -1;
  let dots = 0;
  for (let index = 0; index < address.length; index++) {
    const unit = address.charCodeAt(index);
    if (unit >= 0x30 && unit <= 0x39) {
      if (octet === 0) return -1;
      octet = octet < 0 ? unit - 0x30 : octet * 10 + unit - 0x30;
      if (octet > 255) return -1;
      continue;
    }
    if (octet < 0) return -1;
    target[offset + dots] = octet;
    if (unit === 0x3a && dots === 3) return parsePort(address, index + 1);
    if (unit !== 0x2e || dots === 3) return -1;
    octet = -1;
    dots++;
  }
  return -1;
}

function parsePort(text: string, start: number): number {
  const digits = text.length - start;
  if (digits < 1 || digits > 5) return -1;
  let port = 0;
  for (let index = start; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x30 || unit > 0x39) return -1;
    port = port * 10 + unit - 0x30;
  }
  return port <= 0xffff ? port : -1;
}

/**
 * The bytes of an IP literal with a port. An IPv6 zone is dropped: the wire has no room for it.
 * @throws GrpError WIRE_ADDRESS for names and everything else
 */
export function parseWireAddress(address: Address): WireAddress {
  const ipv4 = new Uint8Array(4);
  const ipv4Port = parseIpv4Into(ipv4, 0, address);
  if (ipv4Port >= 0) return { ip: ipv4, port: ipv4Port };
  const parsed = tryParseAddress(address);
  const ip = parsed === undefined ? undefined : parseIpv6(parsed.host.replace(/%.*$/, ''));
  if (parsed === undefined || ip === undefined) {
    throw wireError('WIRE_ADDRESS', { context: { address: address.slice(0, 80) } });
  }
  return { ip, port: parsed.port };
}

/** RFC 4291 §2.2, all three forms; undefined for anything else. */
function parseIpv6(host: string): Uint8Array | undefined {
  if (!host.includes(':')) return undefined;
  const halves = host.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] as string);
  const tail = halves.length === 2 ? parseGroups(halves[1] as string) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const words = text.split(':');
  for (const [index, word] of words.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(word)) groups.push(Number.parseInt(word, 16));
    else {
      const ipv4 = new Uint8Array(4);
      if (index < words.length - 1 || parseIpv4Into(ipv4, 0, `${word}:0`) < 0) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = ipv4;
      groups.push((a << 8) | b, (c << 8) | d);
    }
  }
  return groups;
}

/**
 * 4 or 16 bytes and a port as an address; undefined for any other size. IPv6 as RFC 5952 writes it; an IPv4-mapped one
 * comes out as IPv4, because peers write either form for the same node and addresses are compared as text.
 */
export function formatWireAddress(bytes: Uint8Array, start: number, size: number, port: number): Address | undefined {
  if (size === 16 && isMapped(bytes, start)) return formatIpv4(bytes, start + 12, port);
  if (size === 4) return formatIpv4(bytes, start, port);
  return size === 16 ? (`[${formatIpv6(bytes, start)}]:${port}` as Address) : undefined;
}

function formatIpv4(bytes: Uint8Array, start: number, port: number): Address {
  const a = octets[bytes[start] as number] as string;
  const b = octets[bytes[start + 1] as number] as string;
  const c = octets[bytes[start + 2] as number] as string;
  const d = octets[bytes[start + 3] as number] as string;
  return `${a}.${b}.${c}.${d}:${port}` as Address;
}

function isMapped(bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < 10; index++) if (bytes[start + index] !== 0) return false;
  return bytes[start + 10] === 0xff && bytes[start + 11] === 0xff;
}

function formatIpv6(bytes: Uint8Array, start: number): string {
  const groups: number[] = [];
  for (let index = 0; index < 16; index += 2) {
    groups.push(((bytes[start + index] as number) << 8) | (bytes[start + index + 1] as number));
  }
  // The longest run of zero groups, the first of equals, and no run of one (RFC 5952 §4.2).
  let [from, count] = [-1, 1];
  for (let index = 0; index < 8; index++) {
    let run = 0;
    while (index + run < 8 && groups[index + run] === 0) run++;
    if (run > count) [from, count] = [index, run];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return from < 0 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + count))}`;
}
