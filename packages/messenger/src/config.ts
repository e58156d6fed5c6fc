import { defineConfig, type ConfigOf } from '@grp/core';

/** Times and limits of a messenger. */
export const messengerConfig = defineConfig(
  {
    textBytesMax: {
      default: 4_096,
      min: 16,
      max: 65_536,
      unit: 'bytes of UTF-8',
      reason: 'A screen full of text; who has more to say sends two messages.',
    },
    historyMax: {
      default: 50,
      min: 0,
      max: 1_000,
      unit: 'messages',
      reason: 'What a late joiner is shown: a screen full, and at most 200 KiB to send.',
    },
    historyWaitMs: {
      default: 2_000,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason: 'New messages wait that long for the old ones; then they are shown without.',
    },
    heldDeliveriesMax: {
      default: 10_000,
      min: 1,
      max: 1_000_000,
      unit: 'messages',
      reason: 'What waits for the history; more, and the history is given up.',
    },
    helloMs: {
      default: 250,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason: 'A stranger is greeted again after this, doubling up to eight times: a hello may come before its view.',
    },
    relayAfterMs: {
      default: 1_500,
      min: 0,
      max: 600_000,
      unit: 'ms',
      reason: 'A direct path that answers at all answers by then, a lost datagram or two included.',
    },
    pingMs: {
      default: 1_000,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason: 'Measures round trip and clock, and finds the silent. Stretched in groups of more than 17.',
    },
    silentMs: {
      default: 3_000,
      min: 50,
      max: 600_000,
      unit: 'ms',
      reason: 'A path that is silent for three pings is given up; without a tracker, its member is suspected.',
    },
    receiveBytesPerSecond: {
      default: 131_072,
      min: 256,
      max: 1_073_741_824,
      unit: 'bytes per second from one member',
      reason: 'Two thousand short messages a second: far more than anybody reads, far less than what stops a member.',
    },
    receiveBytesBurst: {
      default: 1_048_576,
      min: 4_096,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'A file of text, or ten thousand lines, pasted at once.',
    },
    heldBytesMax: {
      default: 1_048_576,
      min: 4_096,
      max: 1_073_741_824,
      unit: 'bytes from one member',
      reason: 'What waits for its turn; more is dropped, and its sender sends it again, slower.',
    },
    hellosPerSecond: {
      default: 200,
      min: 1,
      max: 100_000,
      unit: 'hellos and proofs per second',
      reason: 'Each costs a signature check, about 0.1 ms: a flood of forged ones takes a fiftieth of a processor.',
    },
    namesMax: {
      default: 4_096,
      min: 16,
      max: 1_000_000,
      unit: 'members that have left',
      reason: 'Their last messages may still be delivered or replayed; their names are kept for that.',
    },
  },
  [
    ['silentMs must be more than two pingMs', (config) => config.silentMs > 2 * config.pingMs],
    ['heldBytesMax must be at most receiveBytesBurst', (config) => config.heldBytesMax <= config.receiveBytesBurst],
  ],
);

/** The numbers of `messengerConfig`, all of them filled in. */
export type MessengerConfig = ConfigOf<typeof messengerConfig.table>;
