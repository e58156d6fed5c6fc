import { defineConfig, type ConfigOf } from '@grp/core';

/** Limits and times of a tracker: unit, bounds and the reason of each default. */
export const trackerConfig = defineConfig(
  {
    beatMs: {
      default: 2_000,
      min: 100,
      max: 60_000,
      unit: 'ms',
      reason:
        'Clients are told; three misses and a half are 7 s, which leaves a second of the eight that are promised.',
    },
    lostMs: {
      default: 7_000,
      min: 300,
      max: 600_000,
      unit: 'ms',
      reason: 'A session that says nothing for so long leaves its views: three heartbeats and half of a fourth.',
    },
    sessionKeepMs: {
      default: 60_000,
      min: 1_000,
      max: 3_600_000,
      unit: 'ms',
      reason: 'A lost session keeps its id, nick and groups for so long: a train through a tunnel, a closed lid.',
    },
    ticketMs: {
      default: 300_000,
      min: 10_000,
      max: 86_400_000,
      unit: 'ms',
      reason: 'Tickets are renewed at half of it; peers refuse who was put out by the view, long before that.',
    },
    viewDelayMs: {
      default: 10,
      min: 0,
      max: 1_000,
      unit: 'ms',
      reason: 'Changes that come together make one view: each costs the group a flush in total order.',
    },
    helloTimeoutMs: {
      default: 10_000,
      min: 100,
      max: 600_000,
      unit: 'ms',
      reason: 'A connection that says nothing useful is closed; a client says hello within a round trip.',
    },
    lineTimeoutMs: {
      default: 5_000,
      min: 100,
      max: 600_000,
      unit: 'ms',
      reason: 'A line that drips in (slow loris) is cut off; 8 KiB need a second on the slowest line in use.',
    },
    connectionsMax: {
      default: 12_000,
      min: 1,
      max: 1_000_000,
      unit: 'connections',
      reason: 'Bounds memory at about 3 KiB for each idle one; the system must allow as many file descriptors.',
    },
    connectionsPerHostMax: {
      default: 1_024,
      min: 1,
      max: 1_000_000,
      unit: 'connections per IP address (/64 of IPv6)',
      reason: 'One host cannot take every place, and a hundred clients behind one address still work.',
    },
    strangersMax: {
      default: 10_000,
      min: 1,
      max: 1_000_000,
      unit: 'connections that said no hello',
      reason: 'One more, and the oldest of them is closed: idle connections keep nobody out.',
    },
    sessionsMax: {
      default: 2_048,
      min: 1,
      max: 100_000,
      unit: 'sessions',
      reason: 'Each holds up to 32 KiB of notices that its client has not seen: 64 MiB if nobody reads.',
    },
    noticesKeptBytesMax: {
      default: 32_768,
      min: 1_024,
      max: 1_048_576,
      unit: 'bytes per session',
      reason: 'Notices are repeated after a resume; of more than that a client gets the views anew instead.',
    },
    sendQueueBytesMax: {
      default: 262_144,
      min: 16_384,
      max: 16_777_216,
      unit: 'bytes per connection',
      reason: 'A client that does not read is cut off at that, and may resume.',
    },
    linesPerSecond: {
      default: 200,
      min: 1,
      max: 100_000,
      unit: 'lines per second per connection',
      reason: 'Reading pauses beyond it: who floods waits, and nobody else notices.',
    },
    linesBurst: {
      default: 400,
      min: 1,
      max: 100_000,
      unit: 'lines',
      reason: 'Two seconds at once, for a client that resumes with many groups.',
    },
    hellosPerSecond: {
      default: 20,
      min: 1,
      max: 10_000,
      unit: 'hello, resume and admin per second per host',
      reason: 'Each costs a signature check of about 0.1 ms, and guesses at tokens are slowed down.',
    },
    hellosBurst: {
      default: 200,
      min: 1,
      max: 100_000,
      unit: 'hello, resume and admin per host',
      reason: 'A lab of a hundred clients on one host comes back at once after a restart.',
    },
    joinsPerSecond: {
      default: 5,
      min: 1,
      max: 10_000,
      unit: 'join and leave per second per session',
      reason: 'Each may change a view, which everyone in the group hears.',
    },
    joinsBurst: {
      default: 64,
      min: 1,
      max: 10_000,
      unit: 'join and leave',
      reason: 'All groups of a session, twice.',
    },
    changesPerSecond: {
      default: 2,
      min: 1,
      max: 10_000,
      unit: 'changes of groups per second per session',
      reason: 'Topic, policy, roles, kicks, away: people do that by hand.',
    },
    changesBurst: { default: 30, min: 1, max: 10_000, unit: 'changes', reason: 'A script that sets up a few groups.' },
    readsPerSecond: {
      default: 10,
      min: 1,
      max: 10_000,
      unit: 'lists per second per session',
      reason: 'A page costs up to 8 KiB.',
    },
    readsBurst: { default: 100, min: 1, max: 10_000, unit: 'lists', reason: 'Paging through a thousand members.' },
    relayBytesPerSecond: {
      default: 65_536,
      min: 1_024,
      max: 16_777_216,
      unit: 'bytes per second per session',
      reason: 'Enough to chat through; who has files to send needs a path of its own.',
    },
    relayBytesBurst: {
      default: 131_072,
      min: 8_192,
      max: 67_108_864,
      unit: 'bytes',
      reason: 'Two seconds of it, and at least one whole line.',
    },
    relayTotalBytesPerSecond: {
      default: 4_194_304,
      min: 1_024,
      max: 1_073_741_824,
      unit: 'bytes per second in all',
      reason: 'Relaying never takes the whole of a tracker with a 100 Mbit/s line.',
    },
    groupsMax: { default: 1_024, min: 1, max: 100_000, unit: 'groups', reason: 'Bounds memory and journal.' },
    groupsPerHostPerHour: {
      default: 60,
      min: 1,
      max: 100_000,
      unit: 'new groups per hour per host',
      reason: 'One host cannot use up all groups in a moment.',
    },
    groupsPerSessionMax: {
      default: 32,
      min: 1,
      max: 1_000,
      unit: 'groups',
      reason: 'More than anybody reads; each is named in every page of a resume.',
    },
    groupMembersMax: {
      default: 1_000,
      min: 1,
      max: 10_000,
      unit: 'members per group',
      reason: 'Everyone hears of every change, so that the cost of a wave of joins grows with the square.',
    },
    groupKeepMs: {
      default: 604_800_000,
      min: 1_000,
      max: 31_536_000_000,
      unit: 'ms',
      reason: 'A group without members is forgotten after a week.',
    },
    listedMax: {
      default: 256,
      min: 1,
      max: 4_096,
      unit: 'bans, invitations and roles per group, each',
      reason: 'Bounds a group in memory and journal.',
    },
    nicksMax: { default: 10_000, min: 1, max: 1_000_000, unit: 'reserved nicks', reason: 'About 300 bytes each.' },
    nickKeepMs: {
      default: 2_592_000_000,
      min: 60_000,
      max: 31_536_000_000,
      unit: 'ms',
      reason: 'A reserved nick that nobody used for 30 days is free again.',
    },
    recordsWaitingMax: {
      default: 16_384,
      min: 64,
      max: 1_048_576,
      unit: 'records that wait for the disk',
      reason: 'A disk that hangs stops the tracker instead of filling the memory.',
    },
  },
  [
    ['lostMs must be more than two beatMs', (config) => config.lostMs > 2 * config.beatMs],
    ['sessionKeepMs must be at least lostMs', (config) => config.sessionKeepMs >= config.lostMs],
  ],
);

/** The numbers of `trackerConfig`, all of them filled in. */
export type TrackerConfig = ConfigOf<typeof trackerConfig.table>;

/** Times and limits of a client. */
export const trackerClientConfig = defineConfig({
  requestTimeoutMs: {
    default: 5_000,
    min: 10,
    max: 600_000,
    unit: 'ms',
    reason: 'Covers a tracker that restarts; a person does not wait longer.',
  },
  dialTimeoutMs: { default: 3_000, min: 10, max: 60_000, unit: 'ms', reason: 'Then the next try is due.' },
  missedBeatsMax: {
    default: 2,
    min: 1,
    max: 100,
    unit: 'heartbeats',
    reason:
      'Without an answer to so many the connection is given up, in time to resume before the tracker counts us lost.',
  },
  backoffMinMs: {
    default: 100,
    min: 1,
    max: 60_000,
    unit: 'ms',
    reason: 'The first try after a loss is nearly at once.',
  },
  backoffMaxMs: {
    default: 1_000,
    min: 1,
    max: 600_000,
    unit: 'ms',
    reason: 'A tracker that is back has all its members within five seconds.',
  },
  requestsMax: { default: 256, min: 1, max: 65_536, unit: 'requests', reason: 'Bounds what waits for a lost tracker.' },
});

/** The numbers of `trackerClientConfig`, all of them filled in. */
export type TrackerClientConfig = ConfigOf<typeof trackerClientConfig.table>;
