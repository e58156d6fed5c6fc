import { readCompressed } from './compress.ts';
import { readAck, readPing } from './decode-message.ts';
import { isMalformed, malformed, type Malformed, type MalformedReason } from './malformed.ts';
import { messageTypes, type NodeState, type StreamMessage } from './messages.ts';
import { defineFields, Reader } from './msgpack/reader.ts';
import { Scanner } from './msgpack/scanner.ts';
import { readHeader, readNode, type PushPullHeader } from './push-pull.ts';
import type { StreamLimits } from './stream-limits.ts';

const errorFields = defineFields('Error');
const userFields = defineFields('UserMsgLen');

/** One map: the largest that memberlist writes, a node with its 512 bytes of meta, is far below. */
export const itemBytesMax = 65_536;

export interface ParserOptions {
  /** Where the type byte is. */
  readonly start: number;
  readonly limits: StreamLimits;
  /** A compressed message holds no other. */
  readonly insideCompressed?: boolean;
}

/**
 * Parses one message from bytes that come bit by bit, and which carry no length of their own: each map is first scanned
 * to its end, resuming where the bytes ran out, then decoded once. So the work is linear however small the pieces are.
 */
export class StreamParser {
  readonly #start: number;
  readonly #limits: StreamLimits;
  readonly #insideCompressed: boolean;
  #stage: 'type' | 'map' | 'nodes' | 'tail' = 'type';
  #offset: number;
  #type = 0;
  #scanner: Scanner;
  #header: PushPullHeader = { join: false, nodeCount: 0, userStateBytes: 0 };
  readonly #nodes: NodeState[] = [];
  #tailBytes = 0;

  constructor({ start, limits, insideCompressed = false }: ParserOptions) {
    this.#start = start;
    this.#offset = start;
    this.#limits = limits;
    this.#insideCompressed = insideCompressed;
    this.#scanner = new Scanner(start);
  }

  /** Goes on within `bytes[… end)`, whose beginning must not have changed. Undefined: more is needed. */
  parse(bytes: Uint8Array, end: number): StreamMessage | Malformed | undefined {
    if (this.#stage === 'type') {
      if (this.#offset >= end) return undefined;
      this.#type = bytes[this.#offset++] as number;
      const refused = this.#refuseType();
      if (refused !== undefined) return malformed(refused);
      this.#nextItem('map');
    }
    if (this.#stage === 'map') {
      const reader = this.#item(
        bytes,
        end,
        this.#type === messageTypes.compress ? this.#compressedMax() : itemBytesMax,
      );
      if (!(reader instanceof Reader)) return reader;
      const result = this.#readMap(reader);
      if (result !== undefined) return result;
    }
    if (this.#stage === 'nodes') {
      const result = this.#readNodes(bytes, end);
      if (this.#stage === 'nodes') return result;
    }
    return end - this.#offset < this.#tailBytes ? undefined : this.#readTail(bytes);
  }

  #refuseType(): MalformedReason | undefined {
    switch (this.#type) {
      case messageTypes.ping:
      case messageTypes.ack:
      case messageTypes.user:
      case messageTypes.pushPull:
      case messageTypes.error:
        return undefined;
      case messageTypes.compress:
        return this.#insideCompressed ? 'nested' : undefined;
      case messageTypes.encrypt:
        return 'sealed';
      default:
        return 'unknown-type';
    }
  }

  #nextItem(stage: 'map' | 'nodes'): void {
    this.#stage = stage;
    this.#scanner = new Scanner(this.#offset);
  }

  /** A reader for the next item once it is there as a whole. */
  #item(bytes: Uint8Array, end: number, bytesMax: number): Reader | Malformed | undefined {
    const result = this.#scanner.scan(bytes, end);
    if (result === 'bad') return malformed('type');
    const itemEnd = this.#scanner.offset;
    if (itemEnd - this.#offset > bytesMax) return malformed('too-long');
    if (result === 'more') return undefined;
    const reader = new Reader(bytes, this.#offset, itemEnd);
    this.#offset = itemEnd;
    return reader;
  }

  /** The message when the map is all of it; undefined: something follows, and the stage says what. */
  #readMap(reader: Reader): StreamMessage | Malformed | undefined {
    switch (this.#type) {
      case messageTypes.ping:
        return checked(reader, readPing(reader));
      case messageTypes.ack: {
        const ack = readAck(reader);
        return checked(reader, { ...ack, payload: ack.payload.slice() });
      }
      case messageTypes.error:
        return checked(reader, { type: 'error', message: readError(reader) });
      case messageTypes.compress:
        return this.#expand(reader);
      case messageTypes.user:
        this.#tailBytes = readUserBytes(reader);
        this.#stage = 'tail';
        if (this.#tailBytes > this.#limits.userMessageBytesMax) reader.fail('too-long');
        break;
      default:
        this.#readHeader(reader);
    }
    return reader.problem === undefined ? undefined : malformed(reader.problem);
  }

  #readHeader(reader: Reader): void {
    this.#header = readHeader(reader);
    this.#tailBytes = this.#header.userStateBytes;
    if (this.#header.nodeCount > this.#limits.nodesMax) reader.fail('too-long');
    if (this.#tailBytes > this.#limits.stateBytesMax) reader.fail('too-long');
    this.#nextItem('nodes');
  }

  #readNodes(bytes: Uint8Array, end: number): Malformed | undefined {
    while (this.#nodes.length < this.#header.nodeCount) {
      const reader = this.#item(bytes, end, itemBytesMax);
      if (!(reader instanceof Reader)) return reader;
      if (this.#offset - this.#start + this.#tailBytes > this.#limits.stateBytesMax) return malformed('too-long');
      const node = readNode(reader);
      if (reader.problem !== undefined) return malformed(reader.problem);
      this.#nodes.push(node);
      this.#scanner = new Scanner(this.#offset);
    }
    this.#stage = 'tail';
    return undefined;
  }

  #readTail(bytes: Uint8Array): StreamMessage {
    const tail = bytes.slice(this.#offset, this.#offset + this.#tailBytes);
    if (this.#type === messageTypes.user) return { type: 'user', body: tail };
    return { type: 'push-pull', join: this.#header.join, nodes: this.#nodes, userState: tail };
  }

  #compressedMax(): number {
    return Math.max(this.#limits.stateBytesMax, this.#limits.userMessageBytesMax) + itemBytesMax;
  }

  #expand(reader: Reader): StreamMessage | Malformed {
    const expanded = readCompressed(reader, this.#limits.expandedBytesMax);
    if (isMalformed(expanded)) return expanded;
    const inner = new StreamParser({ start: 0, limits: this.#limits, insideCompressed: true });
    return inner.parse(expanded, expanded.length) ?? malformed('truncated');
  }
}

function checked(reader: Reader, message: StreamMessage): StreamMessage | Malformed {
  return reader.problem === undefined ? message : malformed(reader.problem);
}

function readError(reader: Reader): string {
  let message = '';
  for (let left = reader.map(); left > 0; left--) if (reader.key(errorFields) === 'Error') message = reader.text();
  return message;
}

function readUserBytes(reader: Reader): number {
  let size = 0;
  for (let left = reader.map(); left > 0; left--) {
    if (reader.key(userFields) === 'UserMsgLen') size = reader.uint(Number.MAX_SAFE_INTEGER);
  }
  return size;
}
