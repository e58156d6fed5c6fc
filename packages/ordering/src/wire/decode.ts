import type {
  FinalMessage,
  Key,
  Marks,
  Message,
  PrepareMessage,
  ProposeMessage,
  RefillMessage,
  RoundBody,
  SenderCut,
  SenderState,
  StateMessage,
} from '../messages.ts';
import { ByteReader } from './bytes.ts';
import { kinds, membersMax, payloadsMax, roundsMax, wireVersion } from './kinds.ts';

/** Bytes that are no message, and why, as a short stable word to count by. */
export interface Malformed {
  readonly type: 'malformed';
  readonly reason: 'version' | 'kind' | 'truncated' | 'trailing' | 'values';
}

const malformed = (reason: Malformed['reason']): Malformed => ({ type: 'malformed', reason });

type Read = (reader: ByteReader, view: number) => Message;

const readers: ReadonlyMap<number, Read> = new Map<number, Read>([
  [kinds.data, (r, view) => ({ type: 'data', view, stable: r.number(), ...readRound(r) })],
  [kinds.propose, readPropose],
  [kinds.final, readFinal],
  [kinds.ack, (r, view) => ({ type: 'ack', view, ...readMarks(r), ask: r.number() })],
  [kinds.stable, (r, view) => ({ type: 'stable', view, stable: r.number() })],
  [kinds.state, readState],
  [kinds.request, (_, view) => ({ type: 'request', view })],
  [kinds.prepare, readPrepare],
  [
    kinds.fetch,
    (r, view) => ({ type: 'fetch', view, base: r.number(), sender: r.number(), from: r.number(), to: r.number() }),
  ],
  [kinds.refill, readRefill],
  [kinds.ready, (r, view) => ({ type: 'ready', view, position: r.number() })],
  [kinds.install, (r, view) => ({ type: 'install', view, position: r.number() })],
]);

/**
 * Decodes one message. Never throws, and makes no more room than the bytes themselves could fill; payloads are views
 * into `bytes`.
 */
export function decodeMessage(bytes: Uint8Array): Message | Malformed {
  if (bytes.length < 3) return malformed('truncated');
  if (bytes[0] !== wireVersion) return malformed('version');
  const read = readers.get(bytes[1] as number);
  if (read === undefined) return malformed('kind');
  const reader = new ByteReader(bytes.subarray(2));
  const message = read(reader, reader.number());
  if (reader.failed) return malformed('truncated');
  if (reader.remaining > 0) return malformed('trailing');
  return isPlausible(message) ? message : malformed('values');
}

/** What no member says whatever its state: numbers that start at 1 are not 0, and marks are in their order. */
function isPlausible(message: Message): boolean {
  if (message.view === 0) return false;
  switch (message.type) {
    case 'data':
      return isRound(message) && message.stable < message.round;
    case 'propose':
      return message.round > 0 && message.counters.length > 0 && areMarks(message);
    case 'final':
      return (
        message.round > 0 && message.keys.length > 0 && message.keys.every(({ proposer }) => proposer < membersMax)
      );
    case 'ack':
      return areMarks(message);
    case 'state':
      return message.base < message.view && message.stored < message.view && message.senders.every(isSenderState);
    case 'prepare':
      return message.base < message.view && message.senders.every(({ donor }) => donor < membersMax);
    case 'fetch':
      return message.from > 0 && message.from <= message.to && message.sender < membersMax;
    case 'refill':
      return message.sender < membersMax && message.rounds.every(isRound);
    default:
      return true;
  }
}

function isRound({ round, firstSequence, payloads }: RoundBody): boolean {
  return round > 0 && firstSequence > 0 && payloads.length > 0;
}

function areMarks({ have, decided, delivered, floor }: Marks): boolean {
  return floor <= delivered && delivered <= decided && decided <= have;
}

function isSenderState({ floor, have, proposed, decided, keys }: SenderState): boolean {
  const isOrdered = floor <= decided && decided <= proposed && proposed <= have && have - floor <= roundsMax;
  // FIFO and causal order have neither proposals nor keys.
  return keys.length === 0 ? floor <= have && have - floor <= roundsMax : isOrdered && keys.length === proposed - floor;
}

function list<Item>(reader: ByteReader, count: number, read: () => Item): Item[] {
  const items: Item[] = [];
  for (let index = 0; index < count && !reader.failed; index++) items.push(read());
  return items;
}

function readRound(reader: ByteReader): RoundBody {
  const [round, firstSequence, counter] = [reader.number(), reader.number(), reader.number()];
  const vector = list(reader, reader.count(membersMax), () => reader.number());
  const payloads = list(reader, reader.count(payloadsMax), () => reader.bytes());
  return { round, firstSequence, counter, vector, payloads };
}

function readMarks(reader: ByteReader): Marks {
  return { have: reader.number(), decided: reader.number(), delivered: reader.number(), floor: reader.number() };
}

function readKey(reader: ByteReader): Key {
  return { counter: reader.number(), proposer: reader.number() };
}

function readKeys(reader: ByteReader): Key[] {
  return list(reader, reader.count(roundsMax, 2), () => readKey(reader));
}

function readPropose(reader: ByteReader, view: number): ProposeMessage {
  const marks = readMarks(reader);
  const round = reader.number();
  return {
    type: 'propose',
    view,
    ...marks,
    round,
    counters: list(reader, reader.count(roundsMax), () => reader.number()),
  };
}

function readFinal(reader: ByteReader, view: number): FinalMessage {
  return { type: 'final', view, stable: reader.number(), round: reader.number(), keys: readKeys(reader) };
}

function readState(reader: ByteReader, view: number): StateMessage {
  const [base, stored] = [reader.number(), reader.number()];
  const [position, storedPosition, clock] = [reader.number(), reader.number(), reader.number()];
  const senders = list(reader, reader.count(membersMax, 7), (): SenderState => {
    const floor = reader.number();
    const floorKey = readKey(reader);
    const [have, proposed, decided] = [reader.number(), reader.number(), reader.number()];
    return { floor, floorKey, have, proposed, decided, keys: readKeys(reader) };
  });
  return { type: 'state', view, base, stored, position, storedPosition, clock, senders };
}

function readPrepare(reader: ByteReader, view: number): PrepareMessage {
  const [base, position, clock] = [reader.number(), reader.number(), reader.number()];
  const senders = list(reader, reader.count(membersMax, 4), (): SenderCut => {
    const [count, donor, firstKey] = [reader.number(), reader.number(), reader.number()];
    return { count, donor, firstKey, keys: readKeys(reader) };
  });
  return { type: 'prepare', view, base, position, clock, senders };
}

function readRefill(reader: ByteReader, view: number): RefillMessage {
  const [base, sender] = [reader.number(), reader.number()];
  return {
    type: 'refill',
    view,
    base,
    sender,
    rounds: list(reader, reader.count(roundsMax, 5), () => readRound(reader)),
  };
}
