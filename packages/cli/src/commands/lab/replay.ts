import { argument } from '../../flags.ts';
import { LessonCommand, lessonFlags } from '../../lab/lesson-command.ts';

/** Runs a recorded lesson again. */
export class LabReplay extends LessonCommand {
  static override readonly summary = 'Run a recorded lesson again, and check that it comes out the same';
  static override readonly description = `The file holds the plan itself (who multicasts when, who crashes after how many sends, what is lost), so it can be changed by hand to try something else; take traceHash out of it then. Exit code 8 when the hash differs from the recorded one, or when full violated a check.`;
  static override readonly examples = [
    { description: 'What lab run --out wrote', command: '<%= config.bin %> lab replay takeover.json' },
    { description: 'The same as JSON', command: '<%= config.bin %> lab replay takeover.json --json' },
  ];
  static override readonly args = { file: argument('file that lab run wrote with --out') };
  static override readonly flags = lessonFlags;

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(LabReplay);
    const { replayLesson } = await import('../../lab/lesson.ts');
    return this.conclude(await replayLesson(args.file), 'grp.lab.replay/1', flags);
  }
}
