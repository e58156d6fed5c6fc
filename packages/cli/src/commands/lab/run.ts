import { argument, text, whole } from '../../flags.ts';
import { LessonCommand, lessonFlags } from '../../lab/lesson-command.ts';

/** Runs a lesson of the lab. */
export class LabRun extends LessonCommand {
  static override readonly summary =
    'Run a lesson or study: what happens when something goes wrong, drawn step by step';
  static override readonly description = `A lesson: a few workers, each with a colour that every multicast changes, under one level of the protocol: gms1 … gms4 of the classical exercise, or full, which is what @grp/gms does. A study: one story under two or more rules (order: fifo, causal, total; suspicion; quorum; priority; disk; partition). All of it happens in virtual time and follows from the seed. Prints a space-time diagram and what each process saw; for a lesson the first divergence in one sentence.
A check that the level is known to break here is part of the lesson: exit code 0. Exit code 2 for a level that there is not, 3 for a scenario that there is not, 8 when a check was violated that this level keeps.`;
  static override readonly examples = [
    { description: 'The leader dies in the middle of a multicast', command: '<%= config.bin %> lab run gms2-crash' },
    {
      description: 'The same under the level that mends it, as JSON',
      command: '<%= config.bin %> lab run gms2-crash --level gms3 --json',
    },
    {
      description: 'Does the answer come after the question, when each sender keeps its own order?',
      command: '<%= config.bin %> lab run order --level fifo',
    },
    {
      description: 'Other delays and other changes, written down for a replay',
      command: '<%= config.bin %> lab run gms4-takeover --seed 8 --out takeover.json',
    },
  ];
  static override readonly args = { scenario: argument('what happens; see lab ls') };
  static override readonly flags = {
    level: text(
      'level',
      'gms1, gms2, gms3, gms4 or full, or a variant of a study (the one that it is about, unless given)',
      'LEVEL',
    ),
    seed: whole('seed', 'delays and changes follow from it (the one of the lesson unless given)', 0, 4_294_967_295),
    out: text('out', 'write scenario, level, seed, plan and trace hash to this file, for lab replay', 'FILE'),
    ...lessonFlags,
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(LabRun);
    const { runLesson, writeRecording } = await import('../../lab/lesson.ts');
    const { runStudy, studyOf, writeStudy } = await import('../../lab/study.ts');
    const study = studyOf(args.scenario);
    if (study !== undefined) {
      const run = await runStudy(study, flags.level, flags.seed);
      if (flags.out !== undefined) await writeStudy(flags.out, run);
      return this.concludeStudy(run, 'grp.lab.run/1', flags);
    }
    const lesson = await runLesson(args.scenario, flags.level, flags.seed);
    if (flags.out !== undefined) await writeRecording(flags.out, lesson);
    return this.conclude(lesson, 'grp.lab.run/1', flags);
  }
}
