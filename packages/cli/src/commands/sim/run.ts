import { GrpCommand } from '../../base.ts';
import { cliError } from '../../errors.ts';
import { argument, duration, share, text, whole } from '../../flags.ts';
import { document } from '../../output/json.ts';
import { openProgress } from '../../output/live.ts';
import { tableWidth } from '../../output/table.ts';
import type { SimPlan, SimResult } from '../../sim/seeds.ts';
import { simError } from '../../sim/errors.ts';

/** Runs a protocol in the simulator. */
export class SimRun extends GrpCommand {
  static override readonly summary = 'Run a protocol through faults in virtual time, from a seed, and judge it';
  static override readonly description = `The protocol of a real node, on a simulated network: loss, cuts, partitions, crashes, pauses, wrong clocks. Everything follows from the seed, so a violation is run again by the command that is printed with it. --seed runs one seed twice and compares the hashes of everything that happened; --seeds runs many.
Each protocol has scenarios of its own, chaos first; a name that is none lists them. Exit code 8 when a checker found a violation.`;
  static override readonly examples = [
    { description: 'A hundred bad days', command: '<%= config.bin %> sim run swim --seeds 1..100' },
    {
      description: 'One of them, twice, with everything that happened in a file',
      command: '<%= config.bin %> sim run swim --seed 42 --trace day.ndjson',
    },
    {
      description: 'Thirty members killed one after the other, a quarter of all datagrams lost',
      command: '<%= config.bin %> sim run swim --seed 7 --scenario kill --nodes 30 --loss 25% --duration 5m --json',
    },
  ];
  static override readonly args = {
    protocol: argument('what to run: swim, gms, ordering, raft or dfs'),
  };
  static override readonly flags = {
    seeds: text('seeds', 'first and last seed, 1..100 unless given', 'A..B'),
    seed: whole('seed', 'one seed, run twice', 0, 4_294_967_295),
    scenario: text('scenario', 'one of the scenarios of the protocol (its first, chaos, unless given)', 'NAME'),
    nodes: whole('nodes', 'members (5 unless given)', 2, 1_000),
    loss: share('loss', 'share of datagrams lost from the start (0 unless given)'),
    duration: duration('duration', 'virtual time of trouble in each run (40s unless given)'),
    trace: text('trace', 'write what happened to this file, one JSON object per line; only with --seed', 'FILE'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SimRun);
    const { runSimSeeds, scenarioOf, writeTrace } = await import('../../sim/seeds.ts');
    const { from, to } =
      flags.seed === undefined ? rangeOf(flags.seeds ?? '1..100') : { from: flags.seed, to: flags.seed };
    if (flags.seed !== undefined && flags.seeds !== undefined)
      throw cliError('CLI_USAGE', { context: { what: '--seed and --seeds exclude each other.' } });
    if (flags.trace !== undefined && flags.seed === undefined)
      throw cliError('CLI_USAGE', { context: { what: '--trace needs --seed.' } });
    const plan: SimPlan = {
      protocol: args.protocol,
      scenario: scenarioOf(args.protocol, flags.scenario),
      from,
      to,
      nodeCount: flags.nodes ?? 5,
      loss: flags.loss ?? 0,
      durationMs: flags.duration ?? 40_000,
      isTraced: flags.trace !== undefined,
    };
    const interruption = this.armSignals();
    const progress = await openProgress(!this.jsonEnabled() || process.stderr.isTTY);
    try {
      const { result, trace } = await runSimSeeds(plan, interruption.signal, (line) => progress.show(line));
      if (flags.trace !== undefined) await writeTrace(flags.trace, plan, result, trace);
      progress.close();
      return await this.#conclude(result);
    } finally {
      progress.close();
      interruption.disarm();
    }
  }

  async #conclude(result: SimResult): Promise<object> {
    const { simText } = await import('../../sim/views.ts');
    this.print(simText(result, { colours: this.colours, width: tableWidth(process.stdout) }));
    const report = document('grp.sim.run/1', result);
    if (result.interrupted) this.say('Interrupted: these are the seeds so far.');
    if (result.violations.length === 0) return report;
    if (!this.jsonEnabled()) {
      const [first] = result.violations;
      throw simError('SIM_VIOLATED', { context: { count: result.violations.length, command: first?.replay ?? '' } });
    }
    process.exitCode = 8; // the figures are wanted most when something is wrong
    return report;
  }
}

function rangeOf(text: string): { from: number; to: number } {
  const match = /^(\d{1,10})\.\.(\d{1,10})$/.exec(text.trim());
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || from > to || to > 4_294_967_295 || to - from >= 10_000_000)
    throw simError('SIM_SEEDS', { context: { text } });
  return { from, to };
}
