import type { Disk } from '@grp/core';
import { crc32 } from './crc32.ts';
import { getUint53, setUint53, viewOf } from './frame.ts';
import { formatVersion, type HardStateCopy } from './segment.ts';
import type { LogPoint } from './types.ts';
import { storageError } from './errors.ts';

const slotBytes = 4_096;
const magic = 0x534c_4f47; // "GOLS"
const bodyBytes = 64;

/** The second copy of what little a log cannot do without. */
export interface StateRecord {
  /** The segment that is written to. */
  readonly activeId: number;
  readonly compacted: LogPoint;
  readonly hardState: HardStateCopy | undefined;
}

export interface StateFound {
  /** The newest whole slot. */
  readonly record: StateRecord | undefined;
  readonly generation: number;
  /** No slot is damaged: nothing newer was lost. */
  readonly isWhole: boolean;
}

/**
 * A file of two slots, written in turn, so that a torn write takes one at most. Its room is reserved: hard state can be
 * saved when the log has none left.
 */
export class StateFile {
  readonly #disk: Disk;
  readonly #file: string;
  #generation = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#file = `${folder}/state`;
  }

  /** @throws GrpError STORAGE_NEWER, and what the disk throws */
  async read(files: readonly string[]): Promise<StateFound> {
    if (!files.includes(this.#file)) return { record: undefined, generation: 0, isWhole: false };
    const bytes = await this.#disk.read(this.#file, 0, 2 * slotBytes);
    const slots = [bytes.subarray(0, slotBytes), bytes.subarray(slotBytes)];
    const found = slots.map((slot) => decodeSlot(slot, this.#file));
    const [newest] = found.filter((slot) => slot !== undefined).toSorted((a, b) => b.generation - a.generation);
    this.#generation = newest?.generation ?? 0;
    const isWhole = found.every((slot, index) => slot !== undefined || isUnused(slots[index] as Uint8Array));
    return { record: newest?.record, generation: this.#generation, isWhole: isWhole && newest !== undefined };
  }

  /** Makes the file, with its room. */
  async create(): Promise<void> {
    await this.#disk.preallocate(this.#file, 2 * slotBytes);
    await this.#disk.sync(this.#file);
  }

  /**
   * Resolves when it is durable. One call at a time. After a failure the next call writes the same slot again: the other
   * one is the only copy that is sure to be whole.
   */
  async write(record: StateRecord): Promise<void> {
    const generation = this.#generation + 1;
    await this.#disk.write(this.#file, (generation % 2) * slotBytes, encodeSlot(record, generation));
    await this.#disk.sync(this.#file);
    this.#generation = generation;
  }
}

function encodeSlot({ activeId, compacted, hardState }: StateRecord, generation: number): Uint8Array {
  const bytes = new Uint8Array(slotBytes);
  const view = viewOf(bytes);
  view.setUint32(0, magic, true);
  view.setUint32(4, formatVersion, true);
  setUint53(view, 8, generation);
  setUint53(view, 16, activeId);
  setUint53(view, 24, compacted.index);
  setUint53(view, 32, compacted.term);
  setUint53(view, 40, hardState?.sequence ?? 0);
  view.setUint32(48, hardState?.bytes.length ?? 0, true);
  if (hardState !== undefined) bytes.set(hardState.bytes, bodyBytes);
  view.setUint32(slotBytes - 4, crc32(bytes, 0, slotBytes - 4), true);
  return bytes;
}

function decodeSlot(
  bytes: Uint8Array,
  file: string,
): { readonly generation: number; readonly record: StateRecord } | undefined {
  if (bytes.length < slotBytes) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== magic) return undefined;
  if (view.getUint32(slotBytes - 4, true) !== crc32(bytes, 0, slotBytes - 4)) return undefined;
  const version = view.getUint32(4, true);
  if (version > formatVersion)
    throw storageError('STORAGE_NEWER', { context: { file, version, known: formatVersion } });
  const sequence = getUint53(view, 40);
  const end = bodyBytes + view.getUint32(48, true);
  return {
    generation: getUint53(view, 8),
    record: {
      activeId: getUint53(view, 16),
      compacted: { index: getUint53(view, 24), term: getUint53(view, 32) },
      hardState: sequence === 0 ? undefined : { sequence, bytes: bytes.slice(bodyBytes, end) },
    },
  };
}

function isUnused(slot: Uint8Array): boolean {
  return slot.length === slotBytes && slot.every((byte) => byte === 0);
}
