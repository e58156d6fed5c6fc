import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GrpCommand } from '../base.ts';
import { bringDown, killClusterNow } from '../cluster/down.ts';
import { readState } from '../cluster/state.ts';
import { judge, type Judgement } from '../demo/promises.ts';
import { tellStory, type StoryResult, type Teller } from '../demo/story.ts';
import { cliError } from '../errors.ts';
import { toggle } from '../flags.ts';
import { invocation } from '../invocation.ts';
import { document } from '../output/json.ts';
import { openProgress, type Progress } from '../output/live.ts';
import { table, tableWidth } from '../output/table.ts';
import { membersText } from '../output/views.ts';

const count = 5;

/** Shows what grp does, with real processes. */
export class Demo extends GrpCommand {
  static override readonly summary = 'Watch a real five-node cluster lose, regain and dismiss members (30 s)';
  static override readonly description = `Starts five processes on free ports of this machine, kills one with SIGKILL, brings it back, lets another leave, and prints what it measured beside what is promised.
Nothing is left behind. Exit code 8 when a promise was not kept.`;
  static override readonly examples = [
    { description: 'The whole story', command: '<%= config.bin %> demo' },
    { description: 'Only the figures', command: '<%= config.bin %> demo --json' },
    { description: 'Leave the cluster running, to look around', command: '<%= config.bin %> demo --keep' },
  ];
  static override readonly flags = { keep: toggle('keep', 'leave the cluster running at the end') };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(Demo);
    const dir = await mkdtemp(join(tmpdir(), 'grp-demo-'));
    const interruption = this.armSignals(() => killClusterNow(dir));
    const progress = await openProgress(!this.jsonEnabled());
    let keep = false;
    try {
      const story = await tellStory({ dir, count, signal: interruption.signal, tell: this.#teller(progress) });
      keep = flags.keep;
      return this.#conclude(story, keep ? dir : undefined);
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
    let chapters = 0;
    const print = (text: string): void => {
      progress.close();
      this.print(text);
    };
    return {
      chapter: (text) => print(`${chapters === 0 ? '' : '\n'}${bold(`${++chapters}. ${text}`)}`),
      line: (text) => print(`   ${text}`),
      members: (list) => print(membersText(list, options).replaceAll(/^/gm, '   ')),
      progress: (text) => progress.show(`   ${text}`),
    };
  }

  #conclude(story: StoryResult, kept: string | undefined): object | undefined {
    const judgements = judge(story);
    const broken = judgements
      .filter((one) => !one.kept)
      .map(({ what, measured, promised }) => `${what}: ${measured}, promised ${promised}`);
    this.print(`\n${this.#summary(judgements, story)}`);
    if (kept !== undefined) this.print(`\n${keptText(kept)}`);
    if (broken.length === 0) this.print(`\n${this.colours.green('All promises were kept.')}`);
    const report = document('grp.demo.report/1', {
      ok: broken.length === 0,
      nodes: count,
      ...story,
      promises: judgements,
      ...(kept === undefined ? {} : { dir: kept }),
    });
    if (broken.length === 0) return report;
    // The figures are wanted most when something is wrong.
    if (this.jsonEnabled()) {
      process.exitCode = 8;
      return report;
    }
    throw cliError('DEMO_PROMISE_BROKEN', { context: { promises: broken.join('; ') } });
  }

  #summary(judgements: readonly Judgement[], { formedMs, bandwidth }: StoryResult): string {
    const facts = [
      {
        what: 'all lists complete after the start',
        measured: `${(formedMs / 1_000).toFixed(2)} s`,
        promised: '',
        kept: true,
      },
      {
        what: 'sent per member while idle',
        measured: `${bandwidth.bytesPerMemberSecond} B/s`,
        promised: '',
        kept: true,
      },
    ];
    const { green, red } = this.colours;
    return table<Judgement>(
      [...facts, ...judgements],
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

function keptText(dir: string): string {
  const grp = invocation();
  return [
    'The cluster is still running. Look around:',
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
