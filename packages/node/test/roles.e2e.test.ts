import { tryParseAddress } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import type { SwimOptions } from '@grp/swim';
import { expect, test } from 'vitest';
import type { RoleContext, RoleTable } from '../src/role.ts';
import { roles } from '../src/roles.ts';
import { openBareNode } from './support/bare-nodes.ts';
import { FakeSwim } from './support/fake-swim.ts';
import { get } from './support/http-client.ts';

/** The table of a version that has gms: one more entry. */
function tableWithGms() {
  const seen = { context: undefined as RoleContext | undefined, calls: [] as string[], ready: false };
  const table: RoleTable = {
    ...roles,
    gms: {
      ...roles.gms,
      build(context) {
        seen.context = context;
        return {
          start: async () => void seen.calls.push('start'),
          stop: async ({ leave }) => void seen.calls.push(`stop ${leave}`),
          ready: () => seen.ready,
          routes: (app) => void app.get('/v1/gms/view', async () => ({ schema: 'grp.gms.view/1', view: 1 })),
        };
      },
    },
  };
  return { seen, table };
}

test('a role is added by one entry: port, swim, routes, lifecycle and the ports tag', async () => {
  const { seen, table } = tableWithGms();
  const swim = new FakeSwim();
  let settings: SwimOptions = {};
  const createSwim = (_ports: unknown, options: SwimOptions): FakeSwim => {
    settings = options;
    return swim;
  };
  const node = await openBareNode(
    { roles: ['gms', 'swim'], tags: { dc: 'a' } },
    { swim, table, parts: { createSwim } },
  );
  const { ports, roles: names } = node.status();
  expect(names).toEqual(['swim', 'gms']);
  expect(new Set([ports.swim, ports.gms, ports.http]).size).toBe(3);
  expect(settings.tags).toEqual({ dc: 'a', ports: `gms:${ports.gms}` });
  expect(settings.name).toBe(`127.0.0.1-${ports.swim}`);
  expect(seen.context?.swim).toBe(swim);
  expect(tryParseAddress(seen.context?.network.bound ?? '')?.port).toBe(ports.gms);
  expect((await get(node, '/v1/gms/view')).body).toEqual({ schema: 'grp.gms.view/1', view: 1 });

  await node.start();
  expect(node.status()).toMatchObject({ state: 'running', ready: false });
  seen.ready = true;
  seen.context?.noteReady();
  await node.ready();
  await node.stop();
  expect(seen.calls).toEqual(['start', 'stop true']);
  expect(swim.calls).toEqual(['start', ['leave', 5_000], 'stop']);
});

test('roles listen at their offsets from the base port', async () => {
  const { table } = tableWithGms();
  const base = await freeBase();
  const node = await openBareNode({ roles: ['swim', 'gms'], bind: `127.0.0.1:${base}` }, { table });
  expect(node.status().ports).toEqual({ swim: base, gms: base + 1, http: base + 7 });
});

test('a role that cannot go on ends the node with its error', async () => {
  const { seen, table } = tableWithGms();
  const node = await openBareNode({ roles: ['gms'] }, { table });
  const stopped = new Promise((resolve) => node.onStopped(resolve));
  await node.start();
  expect([node.swim, node.status().id]).toEqual([undefined, expect.stringMatching(/^127\.0\.0\.1-\d+#\d+$/)]);
  seen.context?.fail(new Error('disk on fire'));
  expect(await stopped).toMatchObject({ code: 'NODE_FAILED', message: 'The node failed: disk on fire.' });
  expect(seen.calls).toEqual(['start', 'stop false']);
});

/** A base port above which the next seven are free as well; sockets of other tests make some bases unusable. */
async function freeBase(): Promise<number> {
  for (;;) {
    const probes = [];
    try {
      const first = await openNetwork({ bind: '127.0.0.1:0' });
      probes.push(first);
      const base = tryParseAddress(first.bound)?.port ?? 0;
      for (const offset of [1, 7]) probes.push(await openNetwork({ bind: `127.0.0.1:${base + offset}` }));
      return base;
    } catch {
      continue;
    } finally {
      for (const probe of probes) await probe.close();
    }
  }
}
