import { decode } from './codec.ts';
import type { GroupMessage } from './messages.ts';

/** A message of a group for people and for recordings; undefined for bytes that are none. */
export interface MessageDescription {
  /** What it is: `request`, `ordered`, `ack`, `stable`, `propose`, `install`, … */
  readonly kind: string;
  /** The kind with its numbers: `ordered 7`, `ordered 8-11`, `install view 3`. */
  readonly label: string;
}

/** Says what a frame between members is, for recorders and tracers. Never throws. */
export function describeMessage(bytes: Uint8Array): MessageDescription | undefined {
  const message = decode(bytes);
  return message === undefined ? undefined : { kind: message.kind, label: labelOf(message) };
}

function labelOf(message: GroupMessage): string {
  switch (message.kind) {
    case 'request':
    case 'ordered':
      return `${message.kind} ${range(message.first, message.count)}`;
    case 'ack':
    case 'need':
      return `${message.kind} ${message.received}`;
    case 'stable':
      return `stable ${message.stable}`;
    case 'propose':
      return `propose view ${message.current.epoch + 1}`;
    case 'sync':
    case 'install':
      return `${message.kind} view ${message.proposal.epoch}`;
    default:
      return message.kind;
  }
}

function range(first: number, count: number): string {
  return count === 1 ? String(first) : `${first}-${first + count - 1}`;
}
