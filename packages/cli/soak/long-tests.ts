// `npm run soak -- long-tests`: what `npm test` leaves out because it takes minutes: every command of every tutorial, a demo
// whose promises are broken from outside, and our side of the benchmark by itself.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const files = ['tutorials', 'demo', 'bench-swim', 'chat-rot'].map((name) => `packages/cli/test/${name}.e2e.test.ts`);
const argv = ['run', '--project', 'e2e', ...files];
const child = spawn('vitest', argv, { cwd: root, stdio: 'inherit', env: { ...process.env, GRP_LONG: '1' } });
child.once('exit', (code) => (process.exitCode = code ?? 1));
