import { defineConfig, type ConfigOf } from '@grp/core';

/** Every limit and delay of a member. All members of a group should have the same ones. */
export const orderingConfig = defineConfig(
  {
    payloadBytesMax: {
      default: 1_048_576,
      min: 1,
      max: 1_048_576,
      unit: 'bytes',
      reason: 'A message has to fit in everybody’s hold-back queue several times.',
    },
    outboxMessagesMax: {
      default: 16_384,
      min: 1,
      max: 1_048_576,
      unit: 'messages',
      reason: 'What waits while a view changes or the window is full: a second or so of a busy member.',
    },
    outboxBytesMax: {
      default: 16_777_216,
      min: 1_024,
      max: 1_073_741_824,
      unit: 'bytes',
      reason: 'The same in memory.',
    },
    roundMessagesMax: {
      default: 1_024,
      min: 1,
      max: 65_535,
      unit: 'messages',
      reason: 'Messages that share one proposal and one agreed number; more no longer makes anything cheaper.',
    },
    roundBytesMax: {
      default: 32_768,
      min: 64,
      max: 1_048_576,
      unit: 'bytes',
      reason: 'A round is delivered as a whole: it must not take long on a slow link. A longer payload goes alone.',
    },
    roundsInFlightMax: {
      default: 4,
      min: 1,
      max: 256,
      unit: 'rounds',
      reason: 'Own rounds without an agreed number (total order): while they are under way, the next one fills up.',
    },
    windowRoundsMax: {
      default: 256,
      min: 2,
      max: 4_096,
      unit: 'rounds',
      reason: 'Own rounds that somebody has not delivered yet: all members must keep them for a view change.',
    },
    windowBytesMax: {
      default: 8_388_608,
      min: 65_536,
      max: 268_435_456,
      unit: 'bytes',
      reason: 'The same in memory, for each sender at each member.',
    },
    holdBackRoundsMax: {
      default: 1_024,
      min: 2,
      max: 8_192,
      unit: 'rounds',
      reason: 'Kept of one sender, whatever it sends: four times what it may have under way.',
    },
    holdBackBytesMax: {
      default: 16_777_216,
      min: 131_072,
      max: 536_870_912,
      unit: 'bytes',
      reason: 'The same in memory.',
    },
    ackRounds: {
      default: 16,
      min: 1,
      max: 256,
      unit: 'rounds',
      reason: 'A sender hears of its rounds at least this often; proposals tell it too.',
    },
    ackDelayMs: {
      default: 20,
      min: 0,
      max: 10_000,
      unit: 'ms',
      reason: 'So that acknowledgements ride along with what is said anyway.',
    },
    gapMs: {
      default: 50,
      min: 1,
      max: 60_000,
      unit: 'ms',
      reason: 'A gap that only comes from reordering closes by itself before it is asked for.',
    },
    gapReportMs: {
      default: 5_000,
      min: 10,
      max: 600_000,
      unit: 'ms',
      reason: 'A gap that is open for that long is told: its sender is gone, or its link.',
    },
    resendMs: {
      default: 1_000,
      min: 10,
      max: 60_000,
      unit: 'ms',
      reason:
        'Links resend by themselves, and sooner; this is for what they lose with a reset. Doubles up to 16 times.',
    },
    flushRetryMs: {
      default: 200,
      min: 5,
      max: 60_000,
      unit: 'ms',
      reason: 'As resendMs, while a view changes: everybody waits then.',
    },
    earlyMessagesMax: {
      default: 1_024,
      min: 16,
      max: 65_536,
      unit: 'messages',
      reason: 'Of a view that others have installed and this member is about to.',
    },
    clockLeapMax: {
      default: 1_048_576,
      min: 1_024,
      max: 4_294_967_296,
      unit: 'numbers',
      reason: 'No honest number is further ahead of one’s own: members² × window, for 64 members.',
    },
  },
  [
    ['windowRoundsMax must be at most holdBackRoundsMax', (c) => c.windowRoundsMax <= c.holdBackRoundsMax],
    [
      'windowBytesMax + 2 × payloadBytesMax must be at most holdBackBytesMax',
      (c) => c.windowBytesMax + 2 * c.payloadBytesMax <= c.holdBackBytesMax,
    ],
    ['ackRounds must be at most windowRoundsMax', (c) => c.ackRounds <= c.windowRoundsMax],
    ['gapMs must be less than gapReportMs', (c) => c.gapMs < c.gapReportMs],
  ],
);

/** The settings of ordered delivery, resolved: see `orderingConfig`. */
export type OrderingConfig = ConfigOf<typeof orderingConfig.table>;
