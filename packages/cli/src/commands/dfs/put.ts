import { argument, toggle, whole } from '../../flags.ts';
import { DfsCommand } from '../../dfs/command.ts';
import { checkName } from '../../dfs/paths.ts';
import { sendFile } from '../../dfs/send.ts';
import { invocation } from '../../invocation.ts';
import { openSource } from '../../dfs/source.ts';
import { putText } from '../../dfs/views.ts';

/** Puts a file into the store. */
export class DfsPut extends DfsCommand {
  static override readonly summary = 'Put a file into the store, as the newest version of its name';
  static override readonly description = `Returns when a majority of the replicas is in stable storage and the version is there for everybody; the others follow.
What breaks off half-way leaves nothing visible. SRC is a file, or - for stdin.`;
  static override readonly examples = [
    { description: 'A file', command: '<%= config.bin %> dfs put report.pdf reports/2026/report.pdf' },
    { description: 'From a pipe', command: '<%= config.bin %> dfs put - backups/home.tar' },
    {
      description: 'Only if nobody has changed it since version 42',
      command: '<%= config.bin %> dfs put config.json config.json --if-version 42 --json',
    },
  ];
  static override readonly args = {
    src: argument('file to read, or - for stdin'),
    name: argument('name in the store: up to 1,024 bytes, such as logs/a.txt'),
  };
  static override readonly flags = {
    'if-version': whole(
      'if-version',
      'only if this is the newest version; 0: if there is none',
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    'if-absent': toggle('if-absent', 'only if there is no such file'),
    replicas: whole('replicas', 'how many copies (3 unless given)', 1, 16),
    keep: whole('keep', 'versions of this file to keep from now on (5 unless given)', 1, 1_000),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(DfsPut);
    const name = await checkName(args.name);
    const clients = await this.clients(flags);
    const source = await openSource(args.src);
    const interruption = this.armSignals();
    const { progress, close } = await this.transferProgress(name, source.bytes);
    let isSent = false;
    try {
      const put = await sendFile({
        clients,
        name,
        source,
        ifVersion: flags['if-version'],
        ifAbsent: flags['if-absent'],
        replicas: flags.replicas,
        keep: flags.keep,
        signal: interruption.signal,
        onBytes: (bytes) => progress.add(bytes),
        onRestart: () => progress.restart(),
        onSent: () => (isSent = true),
      });
      close();
      return this.show(put, () => putText(put));
    } catch (cause) {
      close();
      if (!interruption.signal.aborted) throw cause;
      throw isSent
        ? interruption.cutShort(
            'all bytes were sent, and the store had not answered',
            `See whether it is there: ${invocation()} dfs stat ${name}`,
          )
        : interruption.cutShort('nothing was put', 'Nothing of it is visible. Put it again.');
    } finally {
      interruption.disarm();
      await source.close();
    }
  }
}
