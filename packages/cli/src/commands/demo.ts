import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { GrpCommand } from '../base.ts';
import { bringDown, killClusterNow } from '../cluster/down.ts';
import { readState } from '../cluster/state.ts';
import type { Judgement } from '../demo/promises.ts';
import type { Teller } from '../demo/stage.ts';
import { actNames } from '../demo/act-names.ts';
import type { Story } from '../demo/story.ts';
import { cliError } from '../errors.ts';
import { toggle } from '../flags.ts';
import { envName } from '../given.ts';
import { depthOf, swatch } from '../gms/swatch.ts';
import { invocation } from '../invocation.ts';
import { document } from '../output/json.ts';
import { openProgress, type Progress } from '../output/live.ts';
import { table, tableWidth } from '../output/table.ts';
import { membersText } from '../output/views.ts';

const count = 5;

/** Shows what grp does, with real processes. */
export class Demo extends GrpCommand {
  static override readonly summary =
    'The whole story on real processes: many of them die, and nothing is lost (a minute)';
  static override readonly description = `Starts five nodes with all roles on free ports of this machine. The group's leader dies in the middle of a multicast, two of five chat servers die while people write, a node dies that holds a file, one of three messengers dies while they agree on an order. Then prints what it measured beside what is promised.
Nothing is left behind. Exit code 8 when a promise was not kept.`;
  static override readonly examples = [
    { description: 'The whole story', command: '<%= config.bin %> demo' },
    { description: 'Only the figures', command: '<%= config.bin %> demo --json' },
    { description: 'Leave the cluster running, to look around', command: '<%= config.bin %> demo --keep' },
  ];
  static override readonly flags = {
    keep: toggle('keep', 'leave the cluster running at the end, and say where its console is'),
    act: Flags.string({
      description: 'only this act, after the start; may be given again',
      env: envName('act'),
      options: [...actNames],
      multiple: true,
    }),
  };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(Demo);
    const dir = await mkdtemp(join(tmpdir(), 'grp-demo-'));
    const interruption = this.armSignals(() => killClusterNow(dir));
    const progress = await openProgress(!this.jsonEnabled());
    const began = performance.now();
    let keep = false;
    try {
      const { tellStory } = await import('../demo/story.ts');
      const story = await tellStory({
        dir,
        count,
        signal: interruption.signal,
        tell: this.#teller(progress),
        only: flags.act ?? [],
      });
      keep = flags.keep;
      if (keep) await (await import('../console/build.ts')).builtConsole((text) => this.say(text));
      return this.#conclude(story, (performance.now() - began) / 1_000, keep ? dir : undefined);
    } catch (cause) {
      progress.close();
      if (!interruption.signal.aborted) throw cause;
      this.say('Interrupted. Everything is being stopped.');
      return undefined;
    } finally {
      progress.close();
      if (!keep) await cleanUp(dir);
      interruption.disarm();
    }
  }

  #teller(progress: Progress): Teller {
    const { bold } = this.colours;
    const options = { colours: this.colours, width: tableWidth(process.stdout) };
    const depth = depthOf(process.stdout, !this.colours.isColorSupported);
    let chapters = 0;
    const print = (text: string): void => {
      progress.close();
      this.print(text);
    };
    return {
      chapter: (text) => print(`${chapters === 0 ? '' : '\n'}${bold(`${++chapters}. ${text}`)}`),
      line: (text) => print(`   ${text}`),
      members: (list) => print(membersText(list, options).replaceAll(/^/gm, '   ')),
      colours: (rows) =>
        print(
          rows
            .map(({ node, colours }) => `   ${node} ${colours.map((hex) => swatch(hex, 2, depth)).join('')}`)
            .join('\n'),
        ),
      progress: (text) => progress.show(`   ${text}`),
    };
  }

  #conclude({ facts, promises, http }: Story, seconds: number, kept: string | undefined): object | undefined {
    const broken = promises
      .filter((one) => !one.kept)
      .map(({ what, measured, promised }) => `${what}: ${measured}, promised ${promised}`);
    this.print(`\n${this.#summary([...facts.map((fact) => ({ ...fact, promised: '', kept: true })), ...promises])}`);
    if (kept !== undefined) this.print(`\n${keptText(kept, http)}`);
    if (broken.length === 0)
      this.print(`\n${this.colours.green(`All promises were kept, in ${Math.round(seconds)} s.`)}`);
    const ok = broken.length === 0;
    const report = document('grp.demo.report/1', {
      ok,
      nodes: count,
      seconds,
      facts,
      promises,
      ...(kept !== undefined && { dir: kept }),
    });
    if (ok) return report;
    // The figures are wanted most when something is wrong.
    if (this.jsonEnabled()) {
      process.exitCode = 8;
      return report;
    }
    throw cliError('DEMO_PROMISE_BROKEN', { context: { promises: broken.join('; ') } });
  }

  #summary(rows: readonly Judgement[]): string {
    const { green, red } = this.colours;
    return table<Judgement>(
      rows,
      [
        { title: 'MEASURED HERE', text: ({ what }) => what },
        { title: '', text: ({ measured }) => measured, align: 'right' },
        { title: 'PROMISED', text: ({ promised }) => promised },
        {
          title: '',
          text: ({ promised, kept }) => (promised === '' ? '' : kept ? 'kept' : 'BROKEN'),
          paint: (cell, { kept }) => (kept ? green(cell) : red(cell)),
        },
      ],
      { colours: this.colours, width: tableWidth(process.stdout) },
    );
  }
}

function keptText(dir: string, http: string): string {
  const grp = invocation();
  return [
    `The cluster is still running. Its console: ${http}/`,
    'Or look around here:',
    `  ${grp} swim members --watch --dir ${dir}`,
    `  ${grp} cluster kill n2 --dir ${dir}`,
    `and stop it with:`,
    `  ${grp} cluster down --dir ${dir}`,
  ].join('\n');
}

async function cleanUp(dir: string): Promise<void> {
  if ((await readState(dir)) !== undefined) await bringDown({ dir, timeoutMs: 3_000 });
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
}
