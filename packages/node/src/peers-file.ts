import { formatAddress, tryParseAddress, type Address, type Cancel, type Clock, type Logger } from '@grp/core';
import { problemOf } from './errors.ts';
import { readText, writeAtomically } from './files.ts';

/** A living member, as remembered for the next start. */
export interface Peer {
  readonly name: string;
  readonly address: Address;
}

export interface PeersFileOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** At most one write per so many ms, besides the one at `close`. */
  readonly writeMs: number;
  /** The members alive now, without this node. */
  readonly snapshot: () => readonly Peer[];
}

const schema = 'grp.node.peers/1';
const peersMax = 256;
const bytesMax = 262_144;

/**
 * The addresses of living members, kept on disk so that a restarted node finds its cluster even when its seeds are gone.
 * Only hints: a file that is missing, damaged or old costs nothing but a failed attempt to join. A node that sees nobody
 * keeps what the file had.
 */
export class PeersFile {
  readonly #options: PeersFileOptions;
  #cancelTimer: Cancel | undefined;
  #writing: Promise<void> = Promise.resolve();
  #written = '';
  #closed = false;

  constructor(options: PeersFileOptions) {
    this.#options = options;
  }

  /** The peers of the last life, at most 256; empty when there is nothing usable. */
  async load(): Promise<readonly Peer[]> {
    const { file, logger } = this.#options;
    try {
      const text = await readText(file, bytesMax);
      return text === undefined ? [] : parsePeers(text);
    } catch (cause) {
      logger.log('warn', 'node.peers-unreadable', { file, problem: problemOf(cause) });
      return [];
    }
  }

  /** Something about the members changed: the file follows within `writeMs`. */
  changed(): void {
    if (this.#closed || this.#cancelTimer !== undefined) return;
    const { clock, writeMs } = this.#options;
    this.#cancelTimer = clock.wakeAt(clock.now() + writeMs, () => {
      this.#cancelTimer = undefined;
      this.#write();
    });
  }

  /** Writes what is known now, and nothing afterwards. Call it before the node leaves and forgets. Never rejects. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#cancelTimer?.();
      this.#write();
    }
    await this.#writing;
  }

  #write(): void {
    const { file, clock, logger } = this.#options;
    const peers = this.#options.snapshot().slice(0, peersMax);
    const key = JSON.stringify(peers);
    if (peers.length === 0 || key === this.#written) return;
    const document = { schema, savedAt: new Date(clock.wallMs()).toISOString(), peers };
    this.#writing = this.#writing
      .then(() => writeAtomically(file, `${JSON.stringify(document, undefined, 1)}\n`))
      .then(() => void (this.#written = key))
      .catch((cause: unknown) => {
        logger.log('warn', 'node.peers-unwritten', { file, problem: problemOf(cause) });
      });
  }
}

function parsePeers(text: string): readonly Peer[] {
  const document = JSON.parse(text) as { schema?: unknown; peers?: unknown } | null;
  if (document?.schema !== schema || !Array.isArray(document.peers)) throw new Error(`it is no ${schema} document`);
  return document.peers.slice(0, peersMax).flatMap((peer: { name?: unknown; address?: unknown } | null) => {
    if (typeof peer?.name !== 'string' || typeof peer.address !== 'string') return [];
    const parsed = tryParseAddress(peer.address);
    if (parsed === undefined || parsed.port === 0) return [];
    return [{ name: peer.name, address: formatAddress(parsed.host, parsed.port) }];
  });
}
