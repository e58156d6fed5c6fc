import { defineErrors } from '@grp/core';

/** What the caller of an encoder can get wrong. */
export const wireError = defineErrors({
  WIRE_ADDRESS: {
    kind: 'usage',
    message: '$address cannot be put on the wire: it must be an IPv4 or IPv6 literal with a port.',
    hint: 'Resolve names first; write 10.0.0.1:7946 or [::1]:7946.',
  },
  WIRE_LABEL_SIZE: {
    kind: 'usage',
    message: 'A label has at most 255 bytes, not $size.',
    hint: 'Choose a shorter name for the cluster.',
  },
  WIRE_NUMBER: {
    kind: 'usage',
    message: '$value cannot be put on the wire: a whole number from 0 to $max is needed.',
  },
});
