import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { runGrp, startGrp } from './support/process.ts';

const folders = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('grp-demo-'));

test('the demo keeps its promises and leaves nothing behind', async () => {
  const before = folders();
  const { code, documents, stderr } = await runGrp('demo');
  expect(documents[0]).toMatchObject({
    schema: 'grp.demo.report/1',
    ok: true,
    crash: { firstMs: expect.any(Number), lastMs: expect.any(Number) },
    falselyDown: [],
    newLife: true,
    leftEverywhere: true,
  });
  expect(Object.keys(documents[0]?.['crashedLists'] as object)).toHaveLength(4);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(folders()).toEqual(before);
});

test('an interrupted demo cleans up too', async () => {
  const before = folders();
  const demo = startGrp(['demo']);
  await demo.line(/^2\. /);
  demo.child.kill('SIGINT');
  expect(await demo.ended).toBe(0);
  expect(demo.stderr()).toContain('Interrupted');
  expect(folders()).toEqual(before);
});
