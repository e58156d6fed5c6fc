import { sanitizeText } from '@grp/core';
import { dirOf, GrpCommand } from '../../base.ts';
import { requireState } from '../../cluster/state.ts';
import { duration, list, whole } from '../../flags.ts';
import { act } from '../../gms/act.ts';
import { feedWall, paintAll, type FeedTarget } from '../../gms/feed.ts';
import { readKeys, wallHelp, type WallAction } from '../../gms/keys.ts';
import { depthOf } from '../../gms/swatch.ts';
import { drawWall, Wall, type WallState } from '../../gms/wall.ts';
import { cliError } from '../../errors.ts';
import { document } from '../../output/json.ts';
import { watchLive } from '../../output/live.ts';
import { parseNodeUrl } from '../../values.ts';

/** Shows the wall of colours. */
export class GmsWorkers extends GrpCommand {
  static override readonly summary =
    'Show the wall of colours: every worker, always the same colours in the same order';
  static override readonly description = `Each message turns a worker's colour into another one, which depends on all messages before: workers that have seen the same messages in the same order show the same colour. The nodes are those of the local cluster, or --nodes. --rate says how many colour changes a second they multicast together (4; 0 only watches).
On a terminal keys crash, pause and bring back the chosen node. Without a terminal, or under --json, each change is one line of JSON. Exit code 8 when workers ever differed.`;
  static override readonly examples = [
    { description: 'The local cluster', command: '<%= config.bin %> gms workers' },
    {
      description: 'Ten seconds at twenty changes a second, for a script',
      command: '<%= config.bin %> gms workers --rate 20 --duration 10s --json',
    },
  ];
  static override readonly flags = {
    rate: whole('rate', 'colour changes a second, all nodes together (4 unless given)', 0, 10_000),
    nodes: list('nodes', 'URLs of the nodes, when they are not the local cluster', 'URL'),
    duration: duration('duration', 'end after so long'),
  };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(GmsWorkers);
    const dir = dirOf(flags);
    const targets = flags.nodes === undefined ? await localTargets(dir) : urlTargets(flags.nodes);
    const wall = new Wall(targets.map(({ id }) => id));
    const interruption = this.armSignals();
    const ended = new AbortController();
    const timer = flags.duration === undefined ? undefined : setTimeout(() => ended.abort(), flags.duration);
    const signal = AbortSignal.any([interruption.signal, ended.signal]);
    const keys = { dir: flags.nodes === undefined ? dir : undefined, quit: () => ended.abort() };
    try {
      await Promise.all([
        ...targets.map((target) => feedWall(wall, target, signal)),
        paintAll(targets, flags.rate ?? 4, signal),
        this.#show(wall, targets, { signal, ...keys }),
      ]);
    } finally {
      clearTimeout(timer);
      interruption.disarm();
    }
    if (wall.state.divergedAt !== undefined) {
      throw cliError('GMS_WORKERS_DIVERGED', { context: { sequence: wall.state.divergedAt } });
    }
    return undefined;
  }

  async #show(
    wall: Wall,
    targets: readonly FeedTarget[],
    { signal, dir, quit }: { signal: AbortSignal; dir: string | undefined; quit: () => void },
  ): Promise<void> {
    const { colours } = this;
    const terminal = process.stdout.isTTY && !this.jsonEnabled();
    const depth = depthOf(process.stdout, !colours.isColorSupported);
    const hands = dir !== undefined && terminal && process.stdin.isTTY;
    let selected = 0;
    let note = '';
    const onAction = (action: WallAction): void => {
      const id = targets[selected]?.id ?? '';
      if (action === 'quit') quit();
      else if (action === 'next') selected = (selected + 1) % targets.length;
      else if (action === 'previous') selected = (selected + targets.length - 1) % targets.length;
      else
        act(dir as string, id, action).then(
          (said) => (note = said),
          (error: unknown) => (note = sanitizeText((error as Error).message)),
        );
    };
    const release = hands ? readKeys(onAction) : () => {};
    try {
      await watchLive<WallState>({
        signal,
        intervalMs: terminal ? 100 : 500,
        terminal,
        fetch: async () => structuredClone(wall.state),
        draw: () =>
          drawWall(wall, {
            colours,
            depth,
            width: process.stdout.columns,
            selected: hands ? targets[selected]?.id : undefined,
            help: hands ? `${wallHelp}${note === '' ? '' : `\n${note}`}` : undefined,
          }),
        drawError: (error) => colours.red((error as Error).message),
        write: (state) => this.emit(wallDocument(state)),
        key: (state) => JSON.stringify(state),
      });
    } finally {
      release();
    }
  }
}

function wallDocument({ workers, equal, divergedAt }: WallState): object {
  return document('grp.gms.workers/1', { equal: equal ?? null, divergedAt: divergedAt ?? null, workers });
}

async function localTargets(dir: string): Promise<readonly FeedTarget[]> {
  const state = await requireState(dir);
  const nodes = state.nodes.filter(({ roles }) => roles.includes('gms'));
  if (nodes.length === 0) throw cliError('GMS_NO_MEMBERS', { context: { dir } });
  return nodes.map(({ id, http }) => ({ id, http }));
}

function urlTargets(urls: readonly string[]): readonly FeedTarget[] {
  return urls.map((url) => {
    const http = parseNodeUrl(url);
    return { id: new URL(http).host, http };
  });
}
