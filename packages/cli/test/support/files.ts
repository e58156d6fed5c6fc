import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NodeClient } from '../../src/client/http-client.ts';
import { readState } from '../../src/cluster/state.ts';
import type { RaftStatusDocument } from '../../src/raft/documents.ts';

const entry = fileURLToPath(new URL('../../bin/dev.ts', import.meta.url));

/** Clients of the nodes of a local cluster that are named, or of all. */
export async function clientsOf(dir: string, ids?: readonly string[]): Promise<readonly NodeClient[]> {
  const nodes = (await readState(dir))?.nodes ?? [];
  const wanted = ids ?? nodes.map(({ id }) => id);
  return wanted.map((id) => NodeClient.local(nodes.find((node) => node.id === id)?.http ?? '', 40_000));
}

/** The node that leads the metadata. */
export async function masterOf(dir: string): Promise<string> {
  for (const client of await clientsOf(dir)) {
    const status = await client.get<RaftStatusDocument>('/v1/raft/status?group=dfs-meta').catch(() => undefined);
    if (status?.role === 'leader') return status.name;
  }
  return '';
}

export interface Ran {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs one command line as a process, with bytes in and bytes out. */
export function grpBytes(argv: readonly (string | Buffer)[], input?: Buffer): Promise<Ran> {
  const args = ['--conditions=@grp/source', '--disable-warning=ExperimentalWarning', entry, ...argv] as string[];
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', maxBuffer: 64 * 1_048_576 } as const;
    const child = execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr: stderr.toString() }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
