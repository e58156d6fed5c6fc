import { Args } from '@oclif/core';
import { LessonCommand, lessonFlags } from '../../lab/lesson-command.ts';

/** Shows a recorded run again. */
export class LabReplay extends LessonCommand {
  static override readonly summary = 'Show a recorded run again, and check that a simulated one comes out the same';
  static override readonly description = `What lab run --out and sim run --trace have written is run again and must have the same trace hash; the plan of a lesson can be changed by hand to try something else (take traceHash out of it then). What node start --record has written is drawn; several nodes of one group together, with their messages from one to the other.
Exit code 2 for a file that is no recording, 3 when there is no such file, 8 when the hash differs from the recorded one or full violated a check.`;
  static override readonly examples = [
    { description: 'What lab run --out wrote', command: '<%= config.bin %> lab replay takeover.json' },
    { description: 'A seed of the simulator, as JSON', command: '<%= config.bin %> lab replay day.ndjson --json' },
    {
      description: 'What three real nodes have recorded',
      command: '<%= config.bin %> lab replay n1.trace n2.trace n3.trace --rows 200',
    },
  ];
  static override readonly args = {
    file: Args.string({
      description: 'what lab run --out, sim run --trace or node start --record wrote',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override readonly flags = lessonFlags;

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(LabReplay);
    const { openSource } = await import('../../lab/trace-file.ts');
    const source = await openSource([args.file].flat());
    if (source.type === 'lesson') return this.conclude(source.lesson, 'grp.lab.replay/1', flags);
    if (source.type === 'study') return this.concludeStudy(source.run, 'grp.lab.replay/1', flags);
    const { recordingDocument, seedDocument, traceText } = await import('../../lab/replay.ts');
    if (source.type === 'recording') {
      const { nodes, trace } = source;
      return this.show(recordingDocument(nodes, trace, flags.events), () =>
        traceText(trace, [], this.textOptions(flags)),
      );
    }
    const { report, trace } = source.run;
    const hash = `The same hash as recorded, ${report.traceHash.slice(0, 16)}; ${report.violations.length} violations.`;
    return this.show(seedDocument(source.run, flags.events), () => traceText(trace, [hash], this.textOptions(flags)));
  }
}
