import type { LabScenario } from '@grp/lab';
import { GrpCommand } from '../../base.ts';
import { optionalArgument } from '../../flags.ts';
import { document } from '../../output/json.ts';
import { table, tableWidth } from '../../output/table.ts';

/** Lists the lessons of the lab. */
export class LabLs extends GrpCommand {
  static override readonly summary = 'List the lessons and studies of the lab, with the question that each one asks';
  static override readonly description = `For each scenario: the levels that fail in it, and its question; lab run gives the answer. With a name, only that one. Exit code 3 for a name that there is not.`;
  static override readonly examples = [
    { description: 'All of them', command: '<%= config.bin %> lab ls' },
    { description: 'What one expects of each level', command: '<%= config.bin %> lab ls gms4-join --json' },
  ];
  static override readonly args = { scenario: optionalArgument('only this one') };

  override async run(): Promise<object> {
    const { args } = await this.parse(LabLs);
    const { labScenarios, labStudies, levels } = await import('@grp/lab');
    const { scenarioOf } = await import('../../lab/lesson.ts');
    const { wrap } = await import('../../lab/views.ts');
    const { scenario: wanted } = args;
    const studies = labStudies.filter(({ name }) => wanted === undefined || name === wanted);
    const lessons = wanted === undefined ? labScenarios : studies.length > 0 ? [] : [scenarioOf(wanted)];
    const width = tableWidth(process.stdout);
    const body = {
      levels: Object.entries(levels).map(([name, { about }]) => ({ name, about })),
      scenarios: lessons.map(({ name, level, seed, question, explanation, expect }) => {
        return { name, level, seed, question, explanation, expect };
      }),
      studies: studies.map(({ name, variant, variants, seed, question, explanation, expect }) => {
        return { name, variant, variants, seed, question, explanation, expect };
      }),
    };
    return this.show(document('grp.lab.ls/1', body), () => {
      const listed: readonly Listed[] = [...lessons, ...studies];
      const columns = [
        { title: 'SCENARIO', text: ({ name }: Listed) => name },
        { title: 'FAILS UNDER', text: (scenario: Listed) => fails(scenario).join(', ') || 'nothing' },
        { title: 'QUESTION', text: ({ question }: Listed) => question },
      ];
      if (wanted === undefined) return table(listed, columns, { colours: this.colours, width });
      const [only] = listed;
      return only === undefined
        ? ''
        : `${only.name}: fails under ${fails(only).join(', ') || 'nothing'}.\n${wrap(only.question, Math.min(width ?? 100, 100))}`;
    });
  }
}

type Listed = Pick<LabScenario, 'name' | 'question' | 'expect'>;

function fails({ expect }: Listed): readonly string[] {
  return Object.keys(expect).filter((level) => expect[level]?.length !== 0);
}
