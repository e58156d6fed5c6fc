import type { Address } from '@grp/core';
import { describeMessage, type Links } from '@grp/gms';
import { digestOf } from './digest.ts';
import type { RecordedMessage, Recorder } from './recorder.ts';

/** A group's messages between members, as the links below deliver them: repetitions on the wire are the links' own. */
export function tapLinks(links: Links, recorder: Recorder): Links {
  const described = (message: Uint8Array): RecordedMessage => {
    const { kind, label } = describeMessage(message) ?? { kind: 'other', label: 'other' };
    return { kind, label, key: digestOf(message) };
  };
  return {
    self: links.self,
    maxPayloadBytes: links.maxPayloadBytes,
    frameBytes: links.frameBytes,
    delivery: links.delivery,
    send(to: Address, message: Uint8Array) {
      const isTaken = links.send(to, message);
      if (isTaken) recorder.departure('gms', to, described(message));
      return isTaken;
    },
    flush: () => links.flush?.(),
    onReceive: (listener) =>
      links.onReceive((from, message) => {
        recorder.arrival('gms', from, described(message));
        listener(from, message);
      }),
    onReset: (listener) => links.onReset(listener),
    onWritable: (listener) => links.onWritable(listener),
    onTrouble: (listener) => links.onTrouble(listener),
    forget: (peer) => links.forget(peer),
    close: () => links.close(),
  };
}
