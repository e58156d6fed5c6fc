import { defineErrors } from '@grp/core';

/** What can go wrong when a network is opened; each says what the caller can do. */
export const networkError = defineErrors({
  NETWORK_PORT_IN_USE: {
    kind: 'conflict',
    message: '$protocol port $port on $host is taken by another process.',
    hint: 'Stop that process (find it with: ss -lntup), choose another port, or use port 0 for a free one.',
  },
  NETWORK_PERMISSION: {
    kind: 'denied',
    message: 'This process may not bind $host port $port.',
    hint: 'Ports below 1024 need a privilege; choose a higher one.',
  },
  NETWORK_ADDRESS_UNAVAILABLE: {
    kind: 'usage',
    message: '$host is not an address of this host.',
    hint: 'Bind an address that an interface here has, or 0.0.0.0 or [::] for all of them, and advertise the one peers use.',
  },
  NETWORK_FAMILY_UNSUPPORTED: {
    kind: 'usage',
    message: 'This host has no $family, which $host needs.',
    hint: 'Bind an address of the other family.',
  },
  NETWORK_HOST_UNKNOWN: {
    kind: 'unreachable',
    message: 'The name $host does not resolve to an address ($reason).',
    hint: 'Check the spelling and the name service, or write the IP address.',
  },
  NETWORK_ADVERTISE_UNKNOWN: {
    kind: 'usage',
    message: '$host stands for every address, and no interface has an $family address that peers could use.',
    hint: 'Say which address peers use, with the option advertise.',
  },
  NETWORK_ADVERTISE_INVALID: {
    kind: 'usage',
    message: '$address cannot be advertised: $reason.',
    hint: 'Advertise the one address, of the family that is bound, at which peers reach this node.',
  },
  NETWORK_CIDR_INVALID: {
    kind: 'usage',
    message: 'No address ranges: $ranges.',
    hint: 'Write 10.0.0.0/8, fd00::/8 or a single IP address.',
  },
  NETWORK_BIND_FAILED: { kind: 'failure', message: 'Cannot bind $protocol on $host port $port: $reason.' },
});

/** The system's code of an error, such as `EADDRINUSE`; `UNKNOWN` when it has none. */
export function systemCode(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}
