import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the fake saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

type Answer = { readonly status: number; readonly body: unknown } | ((response: ServerResponse) => void);

export interface FakeNode {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** `GET /v1/swim/members` → its answer; anything else is a 404 in the API's form. */
  answer(route: string, answer: Answer): void;
  close(): Promise<void>;
}

/** An HTTP server that speaks a node's documents, for what the real one cannot be made to do. */
export async function fakeNode(): Promise<FakeNode> {
  const seen: Seen[] = [];
  const answers = new Map<string, Answer>();
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, authorization: headers.authorization, body });
      const answer = answers.get(`${method} ${url.split('?')[0]}`);
      if (typeof answer === 'function') answer(response);
      else
        respond(
          response,
          answer ?? { status: 404, body: { error: { code: 'NODE_ROUTE_UNKNOWN', message: 'There is nothing here.' } } },
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer: (route, answer) => void answers.set(route, answer),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function respond(
  response: ServerResponse,
  { status, body }: { readonly status: number; readonly body: unknown },
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}
