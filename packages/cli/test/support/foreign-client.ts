import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const python = '/usr/bin/python3';
const schema = fileURLToPath(new URL('../../../chat/proto/grp', import.meta.url));
const script = fileURLToPath(new URL('foreign-client.py', import.meta.url));

/** What a foreign client saw. */
export interface ForeignReport {
  /** A request that was sent twice is one message. */
  readonly same: boolean;
  readonly streamed: readonly string[];
  readonly history: readonly (readonly [number, string])[];
  readonly codes: Readonly<Record<'stranger' | 'wrong' | 'taken' | 'ended', string>>;
}

/** What must be installed for it and is not; undefined: all is there. */
export function missingForForeignClient(): string | undefined {
  const checks: readonly (readonly [string, string, readonly string[]])[] = [
    ['protobuf-compiler', 'protoc', ['--version']],
    ['protobuf-compiler-grpc', 'sh', ['-c', 'command -v grpc_python_plugin']],
    ['python3-grpcio', python, ['-c', 'import grpc, google.protobuf']],
  ];
  return checks.find(([, command, args]) => !succeeds(command, args))?.[0];
}

/** Makes stubs from our schema below `folder`, and lets a Python program talk to the server. @throws what it complains of */
export async function runForeignClient(folder: string, address: string): Promise<ForeignReport> {
  const stubs = join(folder, 'stubs');
  mkdirSync(stubs, { recursive: true });
  const plugin = execFileSync('sh', ['-c', 'command -v grpc_python_plugin'], { encoding: 'utf8' }).trim();
  // Below `grp`: Python has a module of that name, which would hide ours.
  const file = 'chat/v1/chat.proto';
  const outputs = [`--python_out=${stubs}`, `--grpc_out=${stubs}`, `--plugin=protoc-gen-grpc=${plugin}`];
  execFileSync('protoc', ['-I', schema, ...outputs, file]);
  const { stdout } = await promisify(execFile)(python, [script, stubs, address], { timeout: 60_000 });
  return JSON.parse(stdout) as ForeignReport;
}

/** What it must have seen, in a group of servers where nobody else talks. */
export const foreignExpectation: ForeignReport = {
  same: true,
  streamed: ['grüße aus Python ✓', 'streamed 0', 'streamed 1', 'streamed 2'],
  history: [
    [1, 'grüße aus Python ✓'],
    [2, 'streamed 0'],
    [3, 'streamed 1'],
    [4, 'streamed 2'],
  ],
  codes: {
    stranger: 'UNAUTHENTICATED',
    wrong: 'UNAUTHENTICATED',
    taken: 'ALREADY_EXISTS',
    ended: 'UNAUTHENTICATED',
  },
};

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
