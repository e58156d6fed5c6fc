// What Serf's agents agree on (0.9.4 … 0.10.x defaults), and the bounds that keep hostile peers from growing our buffers.

/** Times of each clock for which events and queries are remembered, so that none is taken twice. Serf's buffer size. */
export const recentTimesCount = 512;
/** A user event that this node sends, encoded, in bytes. */
export const eventBytesMax = 512;
/** Name and payload of a user event from elsewhere: the hard ceiling of Serf's own setting. */
export const eventAcceptBytesMax = 9_216;
/** A query that this node asks, encoded, in bytes. */
export const queryBytesMax = 1_024;
/** A response that this node gives, encoded, in bytes; also a response wrapped for a relay. */
export const responseBytesMax = 1_024;
/** A longer body is taken but not passed on: this always fits one datagram, sealed and labelled too. */
export const passOnBytesMax = 1_100;
/** Query timeout = gossip interval × this × ⌈log10(n + 1)⌉. Serf's QueryTimeoutMult. */
export const queryTimeoutFactor = 16;
/** No query, ours or another's, stays open longer than an hour. */
export const queryTimeoutMsMax = 3_600_000;

/** Different events at one lamport time; only members that speak at the same instant share one. */
export const eventsPerTimeMax = 256;
/** All remembered events together; beyond it the oldest times are closed. */
export const eventMemoryBytesMax = 1_048_576;
/** Different queries at one lamport time. */
export const queriesPerTimeMax = 256;
/** Queries of others that may still be answered; the oldest gives way. */
export const answerableMax = 1_024;
/** Own queries that are open at once. */
export const askedMax = 256;
/** Members through which an answer to an own query is sent besides. */
export const relayCountMax = 5;
/** Filters in one query that are looked at; more never match. */
export const filtersMax = 16;
/** Steps that matching one query's patterns may take: about 10 ms at worst. `^(web|db)-[0-9]+$` on `web-17` takes 120. */
export const filterStepsMax = 200_000;
/** Intents about members that are not known here yet; the oldest gives way. */
export const recentIntentsMax = 1_024;
/** An intent about an unknown member is remembered this long. Serf's RecentIntentTimeout. */
export const recentIntentMs = 300_000;
/** Names in intents; Serf's own ceiling is 128 bytes. */
export const nameLengthMax = 255;
