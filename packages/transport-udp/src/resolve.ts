import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatAddress, parseAddress, type Address } from '@grp/core';
import { canonicalHost, type Endpoint, type Family } from './endpoints.ts';
import { networkError, systemCode } from './errors.ts';

/** One address of one interface of this host, as `os.networkInterfaces()` tells them. */
export interface InterfaceAddress {
  readonly address: string;
  readonly family: string;
  readonly internal: boolean;
}

/**
 * The endpoint that `bind` asks for: a name is resolved, an address gets its canonical spelling.
 * @throws GrpError ADDRESS_INVALID, NETWORK_HOST_UNKNOWN
 */
export async function resolveBind(bind: string): Promise<Endpoint> {
  const { host, port } = parseAddress(bind);
  return { ...(await resolveHost(host)), port };
}

/**
 * The address that peers are told.
 * @param bound where the sockets are, with the real port
 * @throws GrpError ADDRESS_INVALID, NETWORK_HOST_UNKNOWN, NETWORK_ADVERTISE_UNKNOWN, NETWORK_ADVERTISE_INVALID
 */
export async function resolveAdvertised(
  advertise: string | undefined,
  bound: Endpoint,
  interfaces: () => readonly InterfaceAddress[],
): Promise<(port: number) => Address> {
  if (advertise === undefined) {
    const host = isWildcard(bound.host) ? pickInterface(bound, interfaces()) : bound.host;
    return (port) => formatAddress(host, port);
  }
  const given = isIP(advertise) === 6 ? { host: advertise, port: 0 } : parseAddress(advertise, 0);
  const { host, family } = await resolveHost(given.host, bound.family);
  const refuse = (reason: string): Error =>
    networkError('NETWORK_ADVERTISE_INVALID', { context: { address: advertise.slice(0, 80), reason } });
  if (isWildcard(host)) throw refuse('it stands for every address');
  if (family !== bound.family) throw refuse(`the socket is bound to IPv${bound.family}`);
  return (port) => formatAddress(host, given.port === 0 ? port : given.port);
}

/** True for `0.0.0.0` and `::`. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

async function resolveHost(host: string, preferred: Family = 4): Promise<{ host: string; family: Family }> {
  const canonical = canonicalHost(host);
  if (canonical !== undefined) return { host: canonical, family: isIP(canonical) as Family };
  try {
    const found = await lookup(host, { all: true });
    const best = found.find(({ family }) => family === preferred) ?? found[0];
    if (best !== undefined) return { host: best.address, family: best.family as Family };
  } catch (cause) {
    throw networkError('NETWORK_HOST_UNKNOWN', { cause, context: { host, reason: systemCode(cause) } });
  }
  throw networkError('NETWORK_HOST_UNKNOWN', { context: { host, reason: 'no addresses' } });
}

function pickInterface({ host, family }: Endpoint, interfaces: readonly InterfaceAddress[]): string {
  const name = `IPv${family}`;
  const usable = interfaces.filter((one) => one.family === name && !one.internal);
  // A link-local address means nothing without the name of an interface, which differs from host to host.
  const local = /^(?:fe[89ab]|169\.254\.)/i;
  const best = usable.find((one) => !local.test(one.address));
  if (best === undefined) throw networkError('NETWORK_ADVERTISE_UNKNOWN', { context: { host, family: name } });
  return best.address;
}
