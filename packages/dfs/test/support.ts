import { decodeResults, encodeCommands } from '../src/meta/command-codec.ts';
import type { Command, PutCommand, Result } from '../src/meta/commands.ts';
import { DfsMeta } from '../src/meta/meta.ts';
import type { MetaConfig } from '../src/config.ts';
import type { MetaRules } from '../src/meta/records.ts';

export const sha256 = 'ab'.repeat(32);

export function blobId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

/** A copy of the metadata with an index that counts by itself. */
export class Log {
  readonly meta: DfsMeta;
  index = 0;

  constructor(config: Partial<MetaConfig> = {}, rules: Partial<MetaRules> = {}) {
    this.meta = new DfsMeta(config, rules);
  }

  do(...commands: readonly Command[]): readonly Result[] {
    return decodeResults(this.meta.apply(encodeCommands(commands), ++this.index)) ?? [];
  }

  one(command: Command): Result {
    return this.do(command)[0] as Result;
  }

  /** Joins servers n1 … nN, and answers their incarnations by name. */
  join(count: number): Map<string, number> {
    const incarnations = new Map<string, number>();
    for (let number = 1; number <= count; number++) {
      const result = this.one(joinOf(`n${number}`));
      if (result.kind === 'joined') incarnations.set(`n${number}`, result.incarnation);
    }
    return incarnations;
  }

  /** A put with acknowledgements of the current lives of these servers. */
  put(name: string, blob: number, nodes: readonly string[], extra: Partial<PutCommand> = {}): Result {
    const acks = nodes.map((node) => ({
      node,
      incarnation: this.meta.state.servers.get(node)?.incarnation ?? 0,
      epoch: this.meta.state.position,
    }));
    return this.one(putOf({ name, blob: blobId(blob), acks, epoch: this.meta.state.position, ...extra }));
  }
}

export function joinOf(node: string, life = `${node}-1`): Command {
  return { kind: 'join', node, life, address: `${node}:7952`, zone: '' };
}

export function putOf(put: Partial<PutCommand>): PutCommand {
  const common = { kind: 'put', name: 'a', requestId: `r${put.blob}`, blob: blobId(1), epoch: 0, bytes: 100 } as const;
  return { ...common, sha256, acks: [], replicas: 3, keep: undefined, at: 1_000, ...put };
}
