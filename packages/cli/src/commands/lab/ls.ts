import type { LabScenario } from '@grp/lab';
import { GrpCommand } from '../../base.ts';
import { optionalArgument } from '../../flags.ts';
import { document } from '../../output/json.ts';
import { table, tableWidth } from '../../output/table.ts';

/** Lists the lessons of the lab. */
export class LabLs extends GrpCommand {
  static override readonly summary = 'List the lessons of the lab, with the question that each one asks';
  static override readonly description = `For each scenario: the levels that fail in it, and its question; lab run gives the answer. With a name, only that one.`;
  static override readonly examples = [
    { description: 'All of them', command: '<%= config.bin %> lab ls' },
    { description: 'What one expects of each level', command: '<%= config.bin %> lab ls gms4-join --json' },
  ];
  static override readonly args = { scenario: optionalArgument('only this one') };

  override async run(): Promise<object> {
    const { args } = await this.parse(LabLs);
    const { labScenarios, levels } = await import('@grp/lab');
    const { scenarioOf } = await import('../../lab/lesson.ts');
    const { wrap } = await import('../../lab/views.ts');
    const chosen = args.scenario === undefined ? labScenarios : [scenarioOf(args.scenario)];
    const fails = ({ expect }: LabScenario): readonly string[] =>
      Object.keys(expect).filter((level) => expect[level]?.length !== 0);
    const width = tableWidth(process.stdout);
    const body = {
      levels: Object.entries(levels).map(([name, { about }]) => ({ name, about })),
      scenarios: chosen.map(({ name, level, seed, question, explanation, expect }) => {
        return { name, level, seed, question, explanation, expect };
      }),
    };
    return this.show(document('grp.lab.ls/1', body), () => {
      const columns = [
        { title: 'SCENARIO', text: ({ name }: LabScenario) => name },
        { title: 'FAILS UNDER', text: (scenario: LabScenario) => fails(scenario).join(', ') || 'nothing' },
        { title: 'QUESTION', text: ({ question }: LabScenario) => question },
      ];
      if (args.scenario === undefined) return table(chosen, columns, { colours: this.colours, width });
      const [only] = chosen;
      return only === undefined
        ? ''
        : `${only.name}: fails under ${fails(only).join(', ') || 'nothing'}.\n${wrap(only.question, Math.min(width ?? 100, 100))}`;
    });
  }
}
