import { argument, text } from '../../flags.ts';
import { DfsCommand, versionFlag } from '../../dfs/command.ts';
import { fileError } from '../../dfs/errors.ts';
import { fetchFile } from '../../dfs/fetch.ts';
import { checkName } from '../../dfs/paths.ts';
import { parseRange } from '../../dfs/range.ts';
import { writeToStdout } from '../../dfs/stdout.ts';
import { document } from '../../output/json.ts';

const jsonBytesMax = 8_388_608;

/** Writes a file of the store to stdout. */
export class DfsCat extends DfsCommand {
  static override readonly summary = 'Write a file of the store to stdout';
  static override readonly description = `Its bytes as they are. When the SHA-256 turns out to be wrong the exit code says so; for bytes that must not be used before that is known there is "dfs get".
Under --json one document with text, or base64 where the bytes are no UTF-8.`;
  static override readonly examples = [
    { description: 'A file', command: '<%= config.bin %> dfs cat logs/a.txt' },
    { description: 'Its last kilobyte', command: '<%= config.bin %> dfs cat logs/a.txt --range -1024' },
    { description: 'For a program', command: '<%= config.bin %> dfs cat config.json --json' },
  ];
  static override readonly args = { name: argument('name in the store') };
  static override readonly flags = {
    ...versionFlag,
    range: text('range', 'only these bytes: 0-99, 100-, or -100 for the last hundred', 'FROM-TO'),
  };

  override async run(): Promise<object | undefined> {
    const { args, flags } = await this.parse(DfsCat);
    const name = await checkName(args.name);
    const isJson = this.jsonEnabled();
    const parts: Buffer[] = [];
    const { version, sha256, bytes } = await fetchFile({
      clients: await this.clients(flags),
      name,
      version: flags.version,
      range: flags.range === undefined ? undefined : parseRange(flags.range),
      onFound: (found) => {
        if (isJson && found.bytes > jsonBytesMax)
          throw fileError('DFS_JSON_TOO_LONG', { context: { max: jsonBytesMax, bytes: found.bytes } });
      },
      write: isJson ? async (piece) => void parts.push(piece) : writeToStdout,
    });
    if (!isJson) return undefined;
    return document('grp.dfs.cat/1', { name, version, bytes, sha256, ...contentOf(Buffer.concat(parts)) });
  }
}

function contentOf(bytes: Buffer): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: bytes.toString('base64') };
  }
}
