import { isIP, SocketAddress } from 'node:net';
import { formatAddress, tryParseAddress, type Address } from '@grp/core';
import type { AllowList } from './allow-list.ts';

/** Which Internet protocol an address belongs to. */
export type Family = 4 | 6;

/** An IP address and a port, ready for a socket. */
export interface Endpoint {
  /** An IP address, never a name. */
  readonly host: string;
  /** 1 … 65,535. */
  readonly port: number;
  readonly family: Family;
}

// Both tables are caches of what can be computed again, so a full one is simply emptied: no order to keep, and an
// attacker who fills it costs everyone a little time and no memory.
const cachedMax = 4_096;

/** The IP address in its one canonical spelling (`::1`, never `0:0:0:0:0:0:0:1`); undefined for a name. */
export function canonicalHost(host: string): string | undefined {
  const family = isIP(host);
  if (family !== 6) return family === 4 ? host : undefined;
  const zoneAt = host.indexOf('%');
  const [plain, zone] = zoneAt < 0 ? [host, ''] : [host.slice(0, zoneAt), host.slice(zoneAt)];
  return new SocketAddress({ address: plain, family: 'ipv6' }).address + zone;
}

/** Turns addresses into socket endpoints, remembering them, so that sending parses and resolves nothing. */
export class Endpoints {
  readonly #known = new Map<Address, Endpoint>();

  /** Undefined when the host is no IP address or the port is 0. */
  find(address: Address): Endpoint | undefined {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const parsed = tryParseAddress(address);
    const family = parsed === undefined ? 0 : isIP(parsed.host);
    if (parsed === undefined || family === 0 || parsed.port === 0) return undefined;
    const endpoint = { ...parsed, family: family as Family };
    if (this.#known.size >= cachedMax) this.#known.clear();
    this.#known.set(address, endpoint);
    return endpoint;
  }
}

/** Turns where a datagram or a stream came from into an address; undefined for those outside the allow-list. */
export class Origins {
  readonly #allow: AllowList;
  #hosts = new Map<string, Map<number, Address> | undefined>();
  #size = 0;

  constructor(allow: AllowList) {
    this.#allow = allow;
  }

  find(host: string, port: number): Address | undefined {
    let ports = this.#hosts.get(host);
    if (ports === undefined) {
      if (this.#hosts.has(host)) return undefined;
      ports = this.#allow.has(host) ? new Map() : undefined;
      this.#remember();
      this.#hosts.set(host, ports);
      if (ports === undefined) return undefined;
    }
    let address = ports.get(port);
    if (address === undefined) {
      address = formatAddress(host, port);
      this.#remember();
      ports.set(port, address);
    }
    return address;
  }

  #remember(): void {
    if (++this.#size <= 2 * cachedMax) return;
    this.#hosts = new Map();
    this.#size = 1;
  }
}
