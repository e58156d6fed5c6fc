import { GrpCommand } from '../base.ts';
import { toggle, whole } from '../flags.ts';
import { tableWidth } from '../output/table.ts';
import type { Lesson } from './lesson.ts';
import type { StudyRun } from './study.ts';
import type { LessonTextOptions } from './views.ts';

/** How a lesson is shown. */
export const lessonFlags = {
  rows: whole('rows', 'rows of the diagram at most; those around trouble stay (60 unless given)', 5, 100_000),
  ascii: toggle('ascii', 'draw with ASCII characters alone'),
  events: toggle('events', 'with --json: everything that the diagram is drawn from'),
};

interface Shown {
  readonly rows: number | undefined;
  readonly ascii: boolean;
  readonly events: boolean;
}

type Schema = 'grp.lab.run/1' | 'grp.lab.replay/1';

/** What `lab run` and `lab replay` share: showing a lesson or a study, and the exit code. */
export abstract class LessonCommand extends GrpCommand {
  protected async conclude(lesson: Lesson, schema: Schema, shown: Shown) {
    const { lessonDocument, lessonError } = await import('./document.ts');
    const { lessonText } = await import('./views.ts');
    const result = this.show(lessonDocument(schema, lesson, { events: shown.events }), () =>
      lessonText(lesson, this.textOptions(shown)),
    );
    return this.#end(result, lessonError(lesson));
  }

  protected async concludeStudy(run: StudyRun, schema: Schema, shown: Shown) {
    const { studyDocument, studyError, studyText } = await import('./study.ts');
    const result = this.show(studyDocument(schema, run, { events: shown.events }), () =>
      studyText(run, this.textOptions(shown)),
    );
    return this.#end(result, studyError(run));
  }

  protected textOptions({ rows, ascii }: Shown): LessonTextOptions {
    const terminal = process.env['TERM'];
    return {
      colours: this.colours,
      width: tableWidth(process.stdout),
      rowsMax: rows ?? 60,
      ascii: ascii || terminal === 'dumb' || terminal === 'linux',
    };
  }

  #end<Result>(result: Result, error: Error | undefined): Result {
    if (error === undefined) return result;
    if (!this.jsonEnabled()) throw error;
    process.exitCode = 8; // the document is wanted most when something is wrong
    return result;
  }
}
