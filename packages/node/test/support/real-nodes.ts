import { expect, onTestFinished } from 'vitest';
import { createNode } from '../../src/create-node.ts';
import type { Node } from '../../src/node.ts';
import type { NodeOptions } from '../../src/options.ts';

/** A node on free ports, with fast timing, that is stopped when the test is over. */
export async function openNode(options: Partial<NodeOptions> = {}): Promise<Node> {
  const node = await createNode({
    roles: ['swim'],
    bind: '127.0.0.1:0',
    preset: 'local',
    ...options,
    config: { joinRetryMinMs: 20, joinRetryMaxMs: 100, ...options.config },
  });
  onTestFinished(() => node.stop({ leave: false }));
  return node;
}

/** The seed by which others join this node. */
export function seedOf(node: Node): string {
  return `127.0.0.1:${node.status().ports.swim}`;
}

/** Names of the members that a node believes alive, sorted. */
export function alive(node: Node): string[] {
  const members = node.swim?.members() ?? [];
  return members
    .filter(({ status }) => status === 'alive')
    .map(({ name }) => name)
    .toSorted();
}

/** Waits until each of these nodes believes exactly these members alive. */
export async function untilAllSee(nodes: readonly Node[], names: readonly string[]): Promise<void> {
  const seen = (): string[] => nodes.map((node) => alive(node).join(' '));
  await expect.poll(seen, { timeout: 15_000, interval: 20 }).toEqual(nodes.map(() => names.join(' ')));
}
