import { formatAddress, tryParseAddress, type Cancel } from '@grp/core';
import type { Membership } from '@grp/dfs';
import type { Member, Swim } from '@grp/swim';
import { portOfRole } from '../ports-tag.ts';
import type { RoleName } from '../role.ts';
import type { RunningServer } from './group-steps.ts';

/** The tag by which a node says which server of the metadata's group it is. */
const idTag = 'dfs';

/** What swim knows of the other nodes with the role dfs. */
export class DfsPeers implements Membership {
  readonly #swim: Swim;

  constructor(swim: Swim) {
    this.#swim = swim;
  }

  up(): readonly string[] {
    return this.#living().map(({ name }) => name);
  }

  onChange(listener: () => void): Cancel {
    return this.#swim.on(({ type }) => {
      if (type === 'join' || type === 'alive' || type === 'down' || type === 'leave' || type === 'update') listener();
    });
  }

  /** Tells the others which server this node is. */
  announce(id: string): void {
    this.#swim.setTags({ ...this.#swim.self.tags, [idTag]: id });
  }

  /** Those that have said which server they are, this node included. */
  servers(): readonly RunningServer[] {
    return this.#living().flatMap((member) => {
      const id = member.tags[idTag];
      const address = addressOf(member, 'raft');
      return id === undefined || address === undefined ? [] : [{ name: member.name, id, address }];
    });
  }

  /** Where a living node's role listens. */
  address(name: string, role: RoleName): string | undefined {
    const member = this.#living().find((one) => one.name === name);
    return member === undefined ? undefined : addressOf(member, role);
  }

  /** The ports of the role dfs of all living nodes but this one. */
  others(): readonly string[] {
    const { self } = this.#swim;
    return this.#living().flatMap((member) => (member.id === self.id ? [] : (addressOf(member, 'dfs') ?? [])));
  }

  #living(): readonly Member[] {
    return this.#swim
      .members()
      .filter(
        ({ status, tags }) =>
          (status === 'alive' || status === 'suspect') && portOfRole(tags['ports'], 'dfs') !== undefined,
      );
  }
}

function addressOf({ address, tags }: Member, role: RoleName): string | undefined {
  const port = portOfRole(tags['ports'], role);
  const host = tryParseAddress(address)?.host;
  return port === undefined || host === undefined ? undefined : formatAddress(host, port);
}
