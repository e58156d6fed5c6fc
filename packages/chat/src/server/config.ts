import { defineConfig, type ConfigOf } from '@grp/core';

/** Limits and timings of one chat server. */
export const serverConfig = defineConfig(
  {
    passwordBytesMin: { default: 8, min: 1, max: 1_024, unit: 'bytes', reason: 'NIST SP 800-63B §5.1.1.' },
    passwordBytesMax: {
      default: 1_024,
      min: 64,
      max: 65_536,
      unit: 'bytes',
      reason: 'Room for any pass phrase; hashing a megabyte for everyone who asks would be a gift to attackers.',
    },
    textBytesMax: { default: 4_096, min: 1, max: 65_536, unit: 'bytes', reason: 'As the state refuses it.' },
    sessionMs: {
      default: 2_592_000_000,
      min: 1_000,
      max: 31_536_000_000,
      unit: 'ms',
      reason: 'Thirty days: long enough not to be asked for the password every week.',
    },
    messageBytesMax: {
      default: 262_144,
      min: 16_384,
      max: 16_777_216,
      unit: 'bytes',
      reason: 'The longest request is a text of 4 KiB; the longest answer a page of history, which is cut to fit.',
    },
    streamsMax: { default: 10_000, min: 1, max: 1_000_000, unit: 'count', reason: 'About 20 KiB each in grpc-js.' },
    followsMax: { default: 256, min: 1, max: 65_536, unit: 'count', reason: 'Rooms that one stream may follow.' },
    loginFailuresMax: {
      default: 10,
      min: 1,
      max: 10_000,
      unit: 'count',
      reason: 'Wrong passwords for one name, or from one address, before it has to wait.',
    },
    loginWindowMs: {
      default: 60_000,
      min: 1_000,
      max: 3_600_000,
      unit: 'ms',
      reason: 'Ten guesses a minute are fourteen thousand a day: too few for any password that is not in a list.',
    },
  },
  [
    [
      'passwordBytesMin must not exceed passwordBytesMax',
      (config) => config.passwordBytesMin <= config.passwordBytesMax,
    ],
  ],
);

/** The resolved settings of `serverConfig`. */
export type ServerConfig = ConfigOf<typeof serverConfig.table>;
