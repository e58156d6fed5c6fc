// `npm run soak -- tutorials`: every command of every tutorial, as their pages say. The short tests run one page only.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const argv = ['run', '--project', 'e2e', 'packages/cli/test/tutorials.e2e.test.ts'];
const child = spawn('vitest', argv, { cwd: root, stdio: 'inherit', env: { ...process.env, GRP_LONG: '1' } });
child.once('exit', (code) => (process.exitCode = code ?? 1));
