import { sanitizeText } from '@grp/core';
import { dirOf, GrpCommand, type GlobalFlags } from '../base.ts';
import { duration, toggle } from '../flags.ts';
import { tableWidth } from '../output/table.ts';
import type { TopSample } from '../top/sample.ts';

const logLinesMax = 8;

/** A dashboard of a cluster in the terminal. */
export class Top extends GrpCommand {
  static override readonly summary = 'Watch a cluster in the terminal: nodes, lists, views, logs, traffic';
  static override readonly description = `All nodes of the local cluster in --dir, or the one that --node names. A row for each: its state, the living members of its list (3 1? 1x: one more is suspect, one down), its view with the number of members, the messages it delivered, its role in the log with the term, the entries applied, the membership's bytes a second; what a narrow terminal has no room for is left out. Below: what has changed lately.
Ctrl-C ends it. Without a terminal, with --once or under --json it looks once; then traffic is the mean since the counters were last reset.
Exit code 3 when there is no node of this name, 5 when the node does not answer.`;
  static override readonly examples = [
    { description: 'The local cluster', command: '<%= config.bin %> top' },
    { description: 'One look, for a script', command: '<%= config.bin %> top --json' },
    {
      description: 'A node of another host',
      command: '<%= config.bin %> top --node http://10.0.0.5:7953 --interval 2s',
    },
  ];
  static override readonly flags = {
    interval: duration('interval', 'how often it looks (1s unless given; at least 250ms)'),
    once: toggle('once', 'look once'),
  };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(Top);
    const fetch = await this.#source(flags);
    if (flags.once || this.jsonEnabled() || !process.stdout.isTTY) {
      const sample = await fetch();
      const { topText } = await import('../top/screen.ts');
      return this.show(sample, () => topText(sample, { colours: this.colours, width: tableWidth(process.stdout) }));
    }
    await this.#watch(fetch, Math.max(250, flags.interval ?? 1_000));
    return undefined;
  }

  async #source(flags: GlobalFlags): Promise<() => Promise<TopSample>> {
    const { sampleCluster, sampleOne } = await import('../top/sample.ts');
    const { readState } = await import('../cluster/state.ts');
    const dir = dirOf(flags);
    if (flags.node === undefined && (await readState(dir)) !== undefined) {
      const { requireState } = await import('../cluster/state.ts');
      return async () => sampleCluster(dir, await requireState(dir), new Date());
    }
    const client = await this.client(flags);
    return () => sampleOne(client, new Date());
  }

  async #watch(fetch: () => Promise<TopSample>, intervalMs: number): Promise<void> {
    const { changesBetween } = await import('../top/changes.ts');
    const { topText } = await import('../top/screen.ts');
    const { watchLive } = await import('../output/live.ts');
    const { colours } = this;
    const log: string[] = [];
    let before: TopSample | undefined;
    const interruption = this.armSignals();
    try {
      await watchLive({
        signal: interruption.signal,
        intervalMs,
        terminal: true,
        fetch,
        draw: (sample) => {
          if (before !== undefined)
            for (const line of changesBetween(before, sample)) log.push(`${sample.at.slice(11, 19)}  ${line}`);
          log.splice(0, log.length - logLinesMax);
          const text = topText(sample, { colours, width: tableWidth(process.stdout), before, log });
          before = sample;
          return text;
        },
        drawError: (error) => colours.red(sanitizeText((error as Error).message)),
        write: () => {},
        key: ({ at }) => at,
      });
    } finally {
      interruption.disarm();
    }
  }
}
