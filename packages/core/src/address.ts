import { GrpError } from './errors.ts';
import type { Address } from './ports.ts';

/** `10.0.0.1` and 7946 give `10.0.0.1:7946`; an IPv6 host gets its brackets. */
export function formatAddress(host: string, port: number): Address {
  return (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`) as Address;
}

/** The two parts of an address. */
export interface HostPort {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** 0 … 65,535. */
  readonly port: number;
}

/**
 * Splits `host:port`, `[v6]:port`, or a bare host when a default port is given.
 * @throws GrpError ADDRESS_INVALID
 */
export function parseAddress(text: string, defaultPort?: number): HostPort {
  const parsed = tryParseAddress(text, defaultPort);
  if (parsed !== undefined) return parsed;
  throw new GrpError({
    code: 'ADDRESS_INVALID',
    kind: 'usage',
    message: `${JSON.stringify(text.slice(0, 80))} is not host:port.`,
    hint: 'Write 10.0.0.1:7946, node.example:7946 or [::1]:7946; ports are 0 to 65535.',
  });
}

/** As `parseAddress`; undefined for what it would refuse. */
export function tryParseAddress(text: string, defaultPort?: number): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^:[\]\s]*))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || host === '' || port === undefined || port > 65_535) return undefined;
  return { host, port };
}
