import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Keyring, systemRandom } from '@grp/core';
import { nodeAead } from '@grp/transport-udp';
import { expect, onTestFinished, test } from 'vitest';
import { createNode, type Node, type NodeOptions } from '../src/index.ts';

async function open(options: Omit<NodeOptions, 'bind'>): Promise<Node> {
  const node = await createNode({ bind: '127.0.0.1:0', ...options });
  onTestFinished(() => node.stop({ leave: false }));
  await node.start();
  return node;
}

/** The base address, which is what seeds name; of a node without swim only the group's port is open. */
function baseOf(node: Node): string {
  const { ports } = node.status();
  return `127.0.0.1:${ports.swim ?? (ports.gms ?? 0) - 1}`;
}

function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

async function converse(nodes: readonly Node[]): Promise<readonly (readonly string[])[]> {
  const rows = nodes.map((node) => {
    const row: string[] = [];
    node.gms?.on('message', ({ payload }) => row.push(text(payload)));
    return row;
  });
  await Promise.all(nodes.map(async (node) => node.gms?.multicast(new TextEncoder().encode(`from ${node.name}`))));
  await expect.poll(() => rows.map(({ length }) => length), { timeout: 10_000 }).toEqual(nodes.map(() => nodes.length));
  return rows;
}

test('a group beside swim: found by tags, in one order', async () => {
  const ann = await open({ roles: ['swim', 'gms'], name: 'ann' });
  const others = await Promise.all(
    ['bob', 'cid'].map((name) => open({ roles: ['swim', 'gms'], name, join: [baseOf(ann)] })),
  );
  await Promise.all(others.map((node) => node.ready()));
  const { body } = await fetch(`${ann.http}/v1/gms/tail`);
  const [first, ...rest] = await converse([ann, ...others]);
  for (const row of rest) expect(row).toEqual(first);
  await ann.stop();
  const tail = (await buffer(body as ReadableStream)).toString('utf8').trimEnd().split('\n');
  expect(tail.map((line) => (JSON.parse(line) as { readonly payload: string }).payload)).toEqual(first);
});

test('a group without swim: seeds name the base ports, and heartbeats judge', async () => {
  const ann = await open({ roles: ['gms'], name: 'ann' });
  const bob = await open({ roles: ['gms'], name: 'bob', join: [baseOf(ann)] });
  await bob.ready();
  const [first, second] = await converse([ann, bob]);
  expect(second).toEqual(first);
  await bob.stop();
  await expect.poll(() => ann.gms?.view?.members.length, { timeout: 10_000 }).toBe(1);
});

test('with a key the group is sealed: who has another key finds nobody', async () => {
  const keyring = (key: Uint8Array): Keyring => new Keyring({ aead: nodeAead(), random: systemRandom(), keys: [key] });
  const key = randomBytes(32);
  const config = { joinTimeoutMs: 500 };
  const ann = await open({ roles: ['gms'], name: 'ann', keyring: keyring(key) });
  const bob = await open({ roles: ['gms'], name: 'bob', keyring: keyring(key), join: [baseOf(ann)] });
  await bob.ready();
  const eve = await open({
    roles: ['gms'],
    name: 'eve',
    keyring: keyring(randomBytes(32)),
    join: [baseOf(ann)],
    config,
  });
  expect(eve.status().ready).toBe(false);
  expect(ann.gms?.view?.members.map(({ name }) => name)).toEqual(['ann', 'bob']);
});

test('members of another group are strangers, and nobody is disturbed', async () => {
  const ann = await open({ roles: ['gms'], name: 'ann', group: 'red' });
  const bob = await createNode({
    bind: '127.0.0.1:0',
    roles: ['gms'],
    name: 'bob',
    group: 'blue',
    join: [baseOf(ann)],
  });
  await expect(bob.start()).rejects.toMatchObject({ code: 'GMS_JOIN_REFUSED' });
  expect(ann.gms?.view?.members.map(({ name }) => name)).toEqual(['ann']);
});
