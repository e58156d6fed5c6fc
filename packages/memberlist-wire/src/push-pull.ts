import type { Address } from '@grp/core';
import { readVersions, requiredAddress } from './decode-message.ts';
import { writeIp } from './encode-message.ts';
import type { NodeState, StreamMessage } from './messages.ts';
import { defineFields, encodeKey, type Reader } from './msgpack/reader.ts';
import type { Writer } from './msgpack/writer.ts';

const u32Max = 0xffff_ffff;
const u16Max = 0xffff;

const headerFields = defineFields('Join', 'Nodes', 'UserStateLen');
const nodeFields = defineFields('Addr', 'Incarnation', 'Meta', 'Name', 'Port', 'State', 'Vsn');

const key = {
  address: encodeKey('Addr'),
  incarnation: encodeKey('Incarnation'),
  join: encodeKey('Join'),
  meta: encodeKey('Meta'),
  name: encodeKey('Name'),
  nodes: encodeKey('Nodes'),
  port: encodeKey('Port'),
  state: encodeKey('State'),
  userStateSize: encodeKey('UserStateLen'),
  versions: encodeKey('Vsn'),
};

/** In the order of their codes on the wire. */
const states = ['alive', 'suspect', 'dead', 'left'] as const;

export type PushPull = Extract<StreamMessage, { type: 'push-pull' }>;

const nothing: Uint8Array = new Uint8Array(0);

/** What stands in front of the nodes. */
export interface PushPullHeader {
  readonly join: boolean;
  readonly nodeCount: number;
  readonly userStateBytes: number;
}

/** Writes everything after the type byte: a map, a map per node, then the user state as it is. */
export function writePushPull(writer: Writer, message: PushPull): void {
  writer.map(3);
  writer.key(key.join);
  writer.bool(message.join);
  writer.key(key.nodes);
  writer.uint(message.nodes.length);
  writer.key(key.userStateSize);
  writer.uint(message.userState.length);
  for (const node of message.nodes) writeNode(writer, node);
  writer.append(message.userState);
}

function writeNode(writer: Writer, node: NodeState): void {
  writer.map(7);
  writer.key(key.address);
  const port = writeIp(writer, node.address);
  writer.key(key.incarnation);
  writer.uint(node.incarnation, u32Max);
  writer.key(key.meta);
  writer.raw(node.meta);
  writer.key(key.name);
  writer.text(node.name);
  writer.key(key.port);
  writer.uint(port);
  writer.key(key.state);
  writer.uint(states.indexOf(node.state));
  writer.key(key.versions);
  writer.raw(node.versions);
}

/** Reads the map after the type byte. */
export function readHeader(reader: Reader): PushPullHeader {
  let join = false;
  let nodeCount = 0;
  let userStateBytes = 0;
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(headerFields)) {
      case 'Join':
        join = reader.bool();
        break;
      case 'Nodes':
        nodeCount = reader.uint(Number.MAX_SAFE_INTEGER);
        break;
      case 'UserStateLen':
        userStateBytes = reader.uint(Number.MAX_SAFE_INTEGER);
    }
  }
  return { join, nodeCount, userStateBytes };
}

/** Reads one node's map. Its bytes are views: whoever keeps them copies, for a view keeps the whole exchange alive. */
export function readNode(reader: Reader): NodeState {
  const node = {
    name: '',
    address: '' as Address,
    meta: nothing,
    incarnation: 0,
    state: 'alive' as NodeState['state'],
    versions: nothing,
  };
  let port = 0;
  let ipStart = 0;
  let ipSize = 0;
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(nodeFields)) {
      case 'Addr':
        ipSize = reader.raw();
        ipStart = reader.start;
        break;
      case 'Incarnation':
        node.incarnation = reader.uint(u32Max);
        break;
      case 'Meta':
        node.meta = reader.view();
        break;
      case 'Name':
        node.name = reader.text();
        break;
      case 'Port':
        port = reader.uint(u16Max);
        break;
      case 'State':
        node.state = readState(reader);
        break;
      case 'Vsn':
        node.versions = readVersions(reader);
    }
  }
  if (node.name === '') reader.fail('empty');
  node.address = requiredAddress(reader, ipStart, ipSize, port);
  return node;
}

function readState(reader: Reader): NodeState['state'] {
  const state = states[reader.uint(u32Max)];
  if (state === undefined) reader.fail('state');
  return state ?? 'alive';
}
