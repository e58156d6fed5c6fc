import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Something that serves the real page and tells it whatever a test wants; without the policy that a node would add. */
export async function fakeNode(
  nodes: unknown,
  events: readonly unknown[],
): Promise<{ url: string; close: () => void }> {
  const name = (nodes as readonly { readonly name?: unknown }[])[0]?.name;
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    if (path === '/v1/cluster/nodes') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ schema: 'grp.cluster.nodes/1', nodes }));
    } else if (path === '/v1/cluster/events') {
      response.setHeader('content-type', 'text/event-stream');
      const told = events.map((event) => ({ noun: 'cluster', type: 'event', node: name, isSelf: true, event }));
      response.write(told.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    } else {
      try {
        const bytes = readFileSync(`${dist}${path === '/' ? 'index.html' : path.slice(1)}`);
        const type = path.endsWith('.js') ? 'text/javascript' : path.endsWith('.css') ? 'text/css' : 'text/html';
        response.setHeader('content-type', path.endsWith('.svg') ? 'image/svg+xml' : type);
        response.end(bytes);
      } catch {
        response.writeHead(404).end();
      }
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
