/** A datagram under way, as a diagram tells of it. */
export interface PacketLabel {
  readonly label: string;
  readonly kind: string;
}

// The numbers of the wire formats: PROTOCOL.md of link (§ packets) and of gms (§ frames).
const packetNames: Readonly<Record<number, string>> = { 0x20: 'ack', 0x30: 'hello', 0x40: 'welcome', 0x50: 'reset' };
const dataPacket = 0x10;
const firstFrameAt = 22;
const frameKinds: Readonly<Record<number, string>> = {
  0x21: 'request',
  0x22: 'message',
  0x23: 'ack',
  0x24: 'ack',
  0x25: 'control',
};

/** What is in a datagram of the real group: changes are told by their ids, everything else by its kind. */
export function describePacket(bytes: Uint8Array): PacketLabel {
  const type = (bytes[1] ?? 0) & 0xf0;
  if (type !== dataPacket) return named(packetNames[type] ?? 'packet');
  const kind = frameKinds[bytes[firstFrameAt] ?? 0] ?? 'packet';
  // The changes of the lab are JSON, so that their ids can be read wherever they stand.
  const ids = new TextDecoder().decode(bytes).matchAll(/"id":"(n\d{1,3}-\d{1,6})"/g);
  const label = [...ids].map(([, id]) => (kind === 'request' ? `?${id}` : id)).join(' ');
  return label === '' ? named(kind) : { label, kind };
}

function named(kind: string): PacketLabel {
  return { label: kind, kind };
}

/** Finds the departure of each datagram that arrives, by what is in it. Shared by all members of a run. */
export class PacketBook {
  readonly #underWay = new Map<string, number[]>();

  left(from: string, to: string, bytes: Uint8Array, serial: number): void {
    const key = keyOf(from, to, bytes);
    const known = this.#underWay.get(key);
    if (known === undefined) this.#underWay.set(key, [serial]);
    else known.push(serial);
  }

  /**
   * The serial of the newest one like it, since older ones were lost, more likely than not; undefined for a duplicate of
   * the network's.
   */
  arrived(from: string, to: string, bytes: Uint8Array): number | undefined {
    return this.#underWay.get(keyOf(from, to, bytes))?.pop();
  }
}

function keyOf(from: string, to: string, bytes: Uint8Array): string {
  return `${from} ${to} ${bytes.join()}`;
}
