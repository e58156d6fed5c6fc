import { request as httpRequest, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
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
  return members.filter(({ status }) => status === 'alive').map(({ name }) => name).toSorted();
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export async function get(node: Node, path: string): Promise<Answer> {
  const answer = await fetch(node.http + path);
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

export async function post(node: Node, path: string, body: object = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(node.http + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

/** Opens an event stream; resolves once the node has accepted it. */
export function openEvents(node: Node, query = ''): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(`${node.http}/v1/events${query}`, { agent: false }, resolve);
    asked.on('error', reject);
    asked.end();
    onTestFinished(() => void asked.destroy());
  });
}
