import { systemClock, systemRandom } from '@grp/core';
import { injectFaults, nodeAead, openNetwork, resolveSeeds } from '@grp/transport-udp';
import { onTestFinished } from 'vitest';
import { assembleNode } from '../../src/assemble.ts';
import type { Node } from '../../src/node.ts';
import type { NodeOptions } from '../../src/options.ts';
import type { NodeParts } from '../../src/ports.ts';
import type { RoleTable } from '../../src/role.ts';
import { FakeSwim } from './fake-swim.ts';

/** A node with real sockets and a made-up swim. */
export async function openBareNode(
  options: Partial<NodeOptions> = {},
  change: { readonly swim?: FakeSwim; readonly table?: RoleTable; readonly parts?: Partial<NodeParts> } = {},
): Promise<Node & { readonly fake: FakeSwim }> {
  const fake = change.swim ?? new FakeSwim();
  const parts: NodeParts = {
    clock: systemClock(),
    random: systemRandom(),
    aead: nodeAead(),
    openNetwork,
    injectFaults,
    resolveSeeds,
    createSwim: () => fake,
    ...change.parts,
  };
  const node = await assembleNode({ roles: ['swim'], bind: '127.0.0.1:0', ...options }, parts, change.table);
  onTestFinished(() => node.stop({ leave: false }));
  return { ...node, fake };
}
