import { Args } from '@oclif/core';
import { GrpCommand } from '../base.ts';
import { benchError } from '../bench/errors.ts';
import { runSourceBench, sourceBenches, type BenchFlags } from '../bench/from-sources.ts';
import type { BenchResult } from '../bench/run.ts';
import { duration, list, text, toggle, whole } from '../flags.ts';
import { document } from '../output/json.ts';
import { openProgress } from '../output/live.ts';
import { tableWidth } from '../output/table.ts';
import { parseWhole } from '../values.ts';

/** Measures a protocol with real processes. */
export class Bench extends GrpCommand {
  static override readonly summary = 'Measure real processes on this machine, beside the best-known systems';
  static override readonly description = `swim: time from SIGKILL until the first and the last list has the member as down, spread of joins and leaves, bytes, processor and memory while idle, and three of ten killed at once; serf's agents are measured in the same run when they are installed.
Half an hour in full, half a minute with --quick.
gms: multicasts per second and per CPU-second, latency, and how long deliveries stand still when the leader is killed. corosync's daemons are measured in the same run with --against corosync, where they and the headers of libcpg are installed. A quarter of an hour in full, a minute with --quick.
ordering, isis: multicasts per second and latency in each order. messenger: client to client and to a whole group, beside ngircd. raft, chat: durable writes per second, latency and failover, beside etcd. wal: appends beside the bare disk. dfs: puts and gets beside three synced copies, and beside ceph. Some minutes each.
All but swim need a clone of the repository, where npm run bench -- NAME takes finer flags.
All processes are ended whatever happens. Exit code 8 when a promise was not kept.`;
  static override readonly examples = [
    { description: 'Everything, for 5, 10 and 30 members', command: '<%= config.bin %> bench swim' },
    { description: 'Does it work here?', command: '<%= config.bin %> bench swim --quick' },
    {
      description: 'A hundred kills among ten members, ours alone',
      command: '<%= config.bin %> bench swim --sizes 10 --runs 100 --against none --json',
    },
    { description: 'Groups, beside corosync', command: '<%= config.bin %> bench gms --against corosync' },
    { description: 'Consensus, beside etcd', command: '<%= config.bin %> bench raft --against etcd --json' },
  ];
  static override readonly args = {
    name: Args.string({
      description: 'what to measure',
      required: true,
      ignoreStdin: true,
      options: ['swim', ...Object.keys(sourceBenches)],
    }),
  };
  static override readonly flags = {
    against: text(
      'against',
      'the peer: serf, corosync, ngircd, etcd or ceph, for what it can be compared with; none: ours alone (who is installed, unless given; corosync and ceph only when given)',
      'PEER',
    ),
    sizes: list(
      'sizes',
      'swim, gms, raft, chat: members of the clusters, with commas between (swim: 5,10,30; gms: 3,4,8; raft, chat: 3, unless given)',
      'N',
    ),
    runs: whole(
      'runs',
      'swim, gms: single kills per size, for gms of the leader (20 unless given); the other rounds follow it',
      1,
      1_000,
    ),
    steady: duration('steady', 'swim: how long to watch an idle cluster (60s unless given; 0: not at all)'),
    quick: toggle('quick', 'swim, gms: a smoke run: one size, 3 kills, unless given otherwise'),
    logs: text('logs', 'swim: keep the logs of all members in this folder', 'DIR'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(Bench);
    if (args.name !== 'swim') return this.#fromSources(args.name, flags);
    const sizes = flags.sizes?.map((size) => sizeOf(size));
    const { runBench } = await import('../bench/run.ts');
    const { planOf } = await import('../bench/plan.ts');
    const peerVersion = await peerOf(flags.against);
    const plan = planOf({ sizes, runs: flags.runs, steadyMs: flags.steady, quick: flags.quick });
    const interruption = this.armSignals();
    // Figures take long: what is going on is said on stderr under --json too, unless nobody is there to read it.
    const progress = await openProgress(!this.jsonEnabled() || process.stderr.isTTY);
    try {
      const onProgress = (line: string): void => {
        progress.show(line);
        progress.note(line);
      };
      if (peerVersion === undefined && flags.against !== 'none')
        onProgress('serf is not installed: measuring ours alone');
      const version = this.config.version;
      const { signal } = interruption;
      return await this.#conclude(
        await runBench({ plan, version, peerVersion, logs: flags.logs, signal, onProgress }),
        progress,
      );
    } finally {
      progress.close();
      interruption.disarm();
    }
  }

  async #fromSources(name: string, flags: BenchFlags & { readonly json: boolean }): Promise<object> {
    const { against, sizes, runs, quick, steady, logs } = flags;
    const interruption = this.armSignals();
    try {
      const options = { json: this.jsonEnabled(), signal: interruption.signal };
      const { code, report } = await runSourceBench(name, { against, sizes, runs, quick, steady, logs }, options);
      process.exitCode = code;
      return report;
    } finally {
      interruption.disarm();
    }
  }

  async #conclude(result: BenchResult, progress: { close(): void }): Promise<object> {
    const [{ judge }, { compare }, { benchText }] = await Promise.all([
      import('../bench/judge.ts'),
      import('../bench/compare.ts'),
      import('../bench/views.ts'),
    ]);
    const judgement = judge(result.ours.sizes);
    const comparisons = compare(result.ours.sizes, result.theirs?.sizes ?? []);
    const broken = judgement.promises.filter(({ kept }) => !kept);
    progress.close();
    this.print(benchText(result, comparisons, judgement, { colours: this.colours, width: tableWidth(process.stdout) }));
    const report = document('grp.bench.swim/1', {
      ok: broken.length === 0 && !result.interrupted,
      ...judgement,
      comparisons,
      ...result,
    });
    if (result.interrupted) this.say('Interrupted: these are the figures so far. Everything has been stopped.');
    if (broken.length === 0) return report;
    // The figures are wanted most when something is wrong.
    if (!this.jsonEnabled()) {
      const promises = broken
        .map(({ what, measured, wanted }) => `${what}: ${measured}, promised ${wanted}`)
        .join('; ');
      throw benchError('BENCH_PROMISE_BROKEN', { context: { promises } });
    }
    process.exitCode = 8;
    return report;
  }
}

function sizeOf(size: string): number {
  try {
    return parseWhole(size, 3, 100);
  } catch (cause) {
    throw benchError('BENCH_SIZE', { context: { size }, cause });
  }
}

async function peerOf(against: string | undefined): Promise<string | undefined> {
  if (against === 'none') return undefined;
  if (against !== undefined && against !== 'serf')
    throw benchError('BENCH_PEER_UNKNOWN', { context: { peer: against, name: 'swim', peers: 'serf, none' } });
  const { serfVersion } = await import('../bench/serf-driver.ts');
  const version = serfVersion();
  if (version === undefined && against === 'serf')
    throw benchError('BENCH_PEER_MISSING', { context: { command: 'serf' } });
  return version;
}
