import { request as httpRequest, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import type { Node } from '../../src/node.ts';

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
