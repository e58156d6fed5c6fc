import { GrpCommand } from '../base.ts';
import { toggle, whole } from '../flags.ts';
import { tableWidth } from '../output/table.ts';
import type { Lesson } from './lesson.ts';

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

/** What `lab run` and `lab replay` share: showing a lesson, and the exit code. */
export abstract class LessonCommand extends GrpCommand {
  protected async conclude(lesson: Lesson, schema: 'grp.lab.run/1' | 'grp.lab.replay/1', shown: Shown) {
    const { lessonDocument, lessonError } = await import('./document.ts');
    const { lessonText } = await import('./views.ts');
    const terminal = process.env['TERM'];
    const result = this.show(lessonDocument(schema, lesson, { events: shown.events }), () =>
      lessonText(lesson, {
        colours: this.colours,
        width: tableWidth(process.stdout),
        rowsMax: shown.rows ?? 60,
        ascii: shown.ascii || terminal === 'dumb' || terminal === 'linux',
      }),
    );
    const error = lessonError(lesson);
    if (error === undefined) return result;
    if (!this.jsonEnabled()) throw error;
    process.exitCode = 8; // the document is wanted most when something is wrong
    return result;
  }
}
