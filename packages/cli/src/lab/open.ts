import { GrpCommand } from '../base.ts';
import { optionalArgument, text, toggle, whole } from '../flags.ts';
import { document } from '../output/json.ts';

/** Opens the lab in a browser. */
export class LabOpen extends GrpCommand {
  static override readonly summary = 'Open a lesson or study in the browser: every moment of it, and faults by click';
  static override readonly description = `Serves the page on this machine until it is interrupted. The simulator runs in the browser and gives the same run as lab run does for the same scenario, level and seed; the URL holds all three, and the moment that is looked at.
Exit code 3 for an unknown scenario, 2 for an unknown level.`;
  static override readonly examples = [
    { description: 'The leader dies in the middle of a multicast', command: '<%= config.bin %> lab open gms2-crash' },
    {
      description: 'With another seed, under the real protocol; for a script',
      command: '<%= config.bin %> lab open gms4-takeover --seed 8 --level full --json',
    },
  ];
  static override readonly args = { scenario: optionalArgument('what happens; see lab ls (gms2-crash unless given)') };
  static override readonly flags = {
    level: text(
      'level',
      'gms1, gms2, gms3, gms4 or full, or a variant of a study (the one that it is about, unless given)',
      'LEVEL',
    ),
    seed: whole('seed', 'delays and changes follow from it (the one of the lesson unless given)', 0, 4_294_967_295),
    port: whole('port', 'port to serve the page on (a free one unless given)', 0, 65_535),
    'no-open': toggle('no-open', 'only print the URL; without a display nothing is opened in any case'),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(LabOpen);
    const { name, own, ownSeed, known } = await this.#wanted(args.scenario ?? 'gms2-crash');
    const { level = own, seed = ownSeed } = flags;
    if (!known.includes(level)) {
      const { labError } = await import('./errors.ts');
      throw labError('LAB_LEVEL', { context: { level, levels: known.join(', ') } });
    }
    const { builtConsole } = await import('../console/build.ts');
    const { servePage } = await import('../console/serve.ts');
    const folder = await builtConsole((words) => this.say(words));
    const interruption = this.armSignals();
    const page = await servePage(folder, flags.port);
    const url = `${page.url}/#/lab/${name}?level=${level}&seed=${seed}`;
    if (this.jsonEnabled()) this.emit(document('grp.lab.open/1', { url, scenario: name, level, seed }));
    else {
      const { openBrowser } = await import('../console/open-browser.ts');
      this.print(url);
      if (!flags['no-open']) openBrowser(url);
      this.say('Ctrl-C ends.');
    }
    await interruption.wait();
    await page.close();
    interruption.disarm();
  }

  /** A lesson or a study, with the level or variant and the seed that it is about. */
  async #wanted(name: string): Promise<{ name: string; own: string; ownSeed: number; known: readonly string[] }> {
    const { studyOf } = await import('./study.ts');
    const study = studyOf(name);
    if (study !== undefined)
      return { name, own: study.variant, ownSeed: study.seed, known: Object.keys(study.variants) };
    const { levels } = await import('@grp/lab');
    const { scenarioOf } = await import('./lesson.ts');
    const { level, seed } = scenarioOf(name);
    return { name, own: level, ownSeed: seed, known: Object.keys(levels) };
  }
}
