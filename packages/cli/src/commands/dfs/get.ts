import { argument, text } from '../../flags.ts';
import { DfsCommand, versionFlag } from '../../dfs/command.ts';
import { fileError } from '../../dfs/errors.ts';
import { fetchFile, type Found } from '../../dfs/fetch.ts';
import { checkName } from '../../dfs/paths.ts';
import { parseRange } from '../../dfs/range.ts';
import { writeToStdout } from '../../dfs/stdout.ts';
import { openTarget, type Target } from '../../dfs/target.ts';
import { document } from '../../output/json.ts';
import { bytesText } from '../../output/units.ts';

/** Saves a file of the store. */
export class DfsGet extends DfsCommand {
  static override readonly summary = 'Save a file of the store, verified to the byte';
  static override readonly description = `The newest version that was acknowledged before you asked, or the one that is named. It is written beside DST and takes its place when it is complete and its SHA-256 is right. DST is a file, a folder, or - for stdout.`;
  static override readonly examples = [
    { description: 'The newest version', command: '<%= config.bin %> dfs get reports/2026/report.pdf report.pdf' },
    { description: 'An older one', command: '<%= config.bin %> dfs get config.json old.json --version 42' },
    {
      description: 'The first kilobyte',
      command: '<%= config.bin %> dfs get logs/a.txt head.txt --range 0-1023 --json',
    },
  ];
  static override readonly args = {
    name: argument('name in the store'),
    dst: argument('file or folder to write, or - for stdout'),
  };
  static override readonly flags = {
    ...versionFlag,
    range: text('range', 'only these bytes: 0-99, 100-, or -100 for the last hundred', 'FROM-TO'),
  };

  override async run(): Promise<object | undefined> {
    const { args, flags } = await this.parse(DfsGet);
    const name = await checkName(args.name);
    const range = flags.range === undefined ? undefined : parseRange(flags.range);
    const clients = await this.clients(flags);
    const common = { clients, name, version: flags.version, range };
    if (args.dst === '-') {
      if (this.jsonEnabled()) throw fileError('DFS_STDOUT_TAKEN');
      await fetchFile({ ...common, onFound: () => {}, write: writeToStdout });
      return undefined;
    }
    const { path, version, bytes, sha256 } = await this.#save(common, args.dst);
    const saved = document('grp.dfs.get/1', { name, version, bytes, sha256, path });
    return this.show(saved, () => `${path}: version ${version}, ${bytesText(bytes)}`);
  }

  async #save(
    common: Pick<Parameters<typeof fetchFile>[0], 'clients' | 'name' | 'version' | 'range'>,
    dst: string,
  ): Promise<Found & { readonly path: string }> {
    let target: Target | undefined;
    const interruption = this.armSignals(() => target?.discardNow());
    let shown: Awaited<ReturnType<DfsCommand['transferProgress']>> | undefined;
    try {
      const found = await fetchFile({
        ...common,
        signal: interruption.signal,
        onFound: async ({ bytes }) => {
          // Only now: what is not there makes no file, and no error about one.
          target = await openTarget(dst, common.name);
          shown = await this.transferProgress(common.name, bytes);
        },
        write: async (bytes) => {
          await target?.write(bytes);
          shown?.progress.add(bytes.length);
        },
      });
      await target?.finish();
      return { ...found, path: target?.path ?? dst };
    } catch (cause) {
      await target?.discard();
      if (!interruption.signal.aborted) throw cause;
      throw interruption.cutShort('nothing was saved', 'What was there before is unchanged. Get it again.');
    } finally {
      shown?.close();
      interruption.disarm();
    }
  }
}
