import { resolveSeeds } from '@grp/transport-udp';
import { expect, test } from 'vitest';

test('asks the system, so that the hosts file counts', async () => {
  const { addresses, failures } = await resolveSeeds(['localhost', 'no-such-host.invalid'], {
    defaultPort: 7_946,
    timeoutMs: 20_000,
  });
  expect(addresses).toContain('127.0.0.1:7946');
  expect(failures).toMatchObject([{ seed: 'no-such-host.invalid', code: 'SEED_UNKNOWN' }]);
});
