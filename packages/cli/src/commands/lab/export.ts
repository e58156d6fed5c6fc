import { Args, Flags } from '@oclif/core';
import { GrpCommand } from '../../base.ts';
import { text, whole } from '../../flags.ts';
import { envName } from '../../given.ts';
import { document } from '../../output/json.ts';

/** Writes a trace for other eyes and tools. */
export class LabExport extends GrpCommand {
  static override readonly summary = 'Write a trace as one web page, or for ShiViz, Perfetto or Porcupine';
  static override readonly description = `A trace is what node start --record, lab run --out or sim run --trace has written, or the name of a lesson or study; several recordings of nodes become one trace. html is one page that needs no network; shiviz is a log with vector clocks; perfetto opens in ui.perfetto.dev and chrome://tracing; porcupine is the operations of the clients, for linearizability checkers.
Exit code 2 for a file that is no trace, 3 when there is no such file or porcupine finds no clients, 8 when a run came out differently than it was recorded.`;
  static override readonly examples = [
    {
      description: 'A lesson as a page',
      command: '<%= config.bin %> lab export gms2-crash --format html --out gms2-crash.html',
    },
    {
      description: 'What three nodes have recorded, for ShiViz',
      command: '<%= config.bin %> lab export n1.trace n2.trace n3.trace --format shiviz --out group.log',
    },
    {
      description: 'The operations of a seed of raft',
      command: '<%= config.bin %> lab export raft-7.ndjson --format porcupine > operations.json',
    },
  ];
  static override readonly args = {
    trace: Args.string({
      description: 'file of a trace (several of nodes), or the name of a lesson or study',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override readonly flags = {
    format: Flags.option({
      options: ['html', 'shiviz', 'perfetto', 'porcupine'] as const,
      description: 'what to write (html unless given)',
      env: envName('format'),
    })(),
    out: text('out', 'file to write (stdout unless given)', 'FILE'),
    level: text('level', 'of a lesson or study: the level or variant', 'LEVEL'),
    seed: whole('seed', 'of a lesson or study: the seed', 0, 4_294_967_295),
  };

  override async run(): Promise<object | undefined> {
    const { args, flags } = await this.parse(LabExport);
    const { traceToExport, exportText, writeExport } = await import('../../lab/export.ts');
    const format = flags.format ?? 'html';
    const trace = await traceToExport([args.trace].flat(), flags);
    const content = exportText(trace, format);
    if (flags.out === undefined) {
      if (!this.jsonEnabled()) {
        process.stdout.write(content);
        return undefined;
      }
      return document('grp.lab.export/1', { format, title: trace.title, content });
    }
    await writeExport(flags.out, content);
    const bytes = Buffer.byteLength(content);
    const { out } = flags;
    const written = document('grp.lab.export/1', { format, title: trace.title, file: out, bytes });
    return this.show(written, () => `${out}: ${trace.title}, ${format}, ${Math.ceil(bytes / 1_024)} KiB.`);
  }
}
