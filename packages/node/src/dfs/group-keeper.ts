import type { Cancel, Clock, Logger, Millis } from '@grp/core';
import type { HostedGroup } from '../raft/raft-host.ts';
import { nextSteps, type RunningServer } from './group-steps.ts';

export interface GroupKeeperOptions {
  readonly group: HostedGroup;
  /** Servers of the group that run, this one included. */
  readonly running: () => readonly RunningServer[];
  readonly votersWanted: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const lookMs = 250;
/** As the master's own grace: shorter cuts change nothing. */
const graceMs = 3_000;
const changeTimeoutMs = 5_000;
/** An entry behind is nothing; a server that lacks more has not proven itself yet. */
const entriesBehindMax = 256;

/** What the leader of the metadata does for its group: takes in new servers, lets go of dead ids, replaces lost voters. */
export class GroupKeeper {
  readonly #options: GroupKeeperOptions;
  readonly #absentSince = new Map<string, Millis>();
  #cancel: Cancel = () => {};
  #isStopped = false;

  constructor(options: GroupKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    const look = async (): Promise<void> => {
      await this.#look();
      if (!this.#isStopped) this.#cancel = clock.wakeAt(clock.now() + lookMs, () => void look());
    };
    void look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #look(): Promise<void> {
    const { group, running, votersWanted, logger } = this.#options;
    if (!group.serving) return;
    const { role, configuration, followers, commitIndex, id: self } = group.raft.status();
    if (role !== 'leader') return this.#absentSince.clear();
    const servers = running();
    const lost = this.#lost(configuration.voters, new Set(servers.map(({ id }) => id)));
    const hasCaughtUp = (id: string): boolean => {
      const follower = followers[id];
      return id === self || (follower?.mode === 'replicate' && follower.match >= commitIndex - entriesBehindMax);
    };
    const steps = nextSteps({ configuration, running: servers, lost, votersWanted, hasCaughtUp });
    if (steps.length === 0) return;
    const what = steps.map(({ type, id }) => `${type} ${id}`).join(', ');
    try {
      await group.raft.change(steps, { timeoutMs: changeTimeoutMs });
      logger.log('info', 'dfs.group-changed', { what });
    } catch (cause) {
      logger.log('debug', 'dfs.group-unchanged', { what, problem: cause instanceof Error ? cause.message : '' });
    }
  }

  #lost(voters: readonly string[], running: ReadonlySet<string>): ReadonlySet<string> {
    const now = this.#options.clock.now();
    for (const id of [...this.#absentSince.keys()])
      if (running.has(id) || !voters.includes(id)) this.#absentSince.delete(id);
    for (const id of voters) if (!running.has(id) && !this.#absentSince.has(id)) this.#absentSince.set(id, now);
    return new Set([...this.#absentSince].filter(([, since]) => now - since >= graceMs).map(([id]) => id));
  }
}
