import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** What came back from another node. */
export type PeerAnswer =
  | { readonly reach: 'ok'; readonly document: Readonly<Record<string, unknown>> }
  /** `silent`: nothing in time; `refused`: nobody listens; `denied`: it wants another token. */
  | { readonly reach: 'silent' | 'refused' | 'denied' | 'failed'; readonly reason: string };

export interface AskOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly timeoutMs: number;
}

/** Asks one node. Never rejects. */
export type AskPeer = (path: string, options: AskOptions) => Promise<PeerAnswer>;

const answerBytesMax = 2 * 1_048_576;

/** Asks over HTTP; connections are kept between questions. `close` ends them. */
export function peerClient(ca: Buffer | undefined): { readonly ask: AskPeer; readonly close: () => void } {
  const kept = { keepAlive: true, maxSockets: 2, timeout: 5_000 } as const;
  const plain = new HttpAgent(kept);
  const sealed = new HttpsAgent({ ...kept, ...(ca === undefined ? {} : { ca }) });
  return {
    ask: (path, options) => ask(path, options, options.url.startsWith('https:') ? sealed : plain),
    close() {
      plain.destroy();
      sealed.destroy();
    },
  };
}

function ask(path: string, { url, token, timeoutMs }: AskOptions, agent: HttpAgent | HttpsAgent): Promise<PeerAnswer> {
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    const end = (answer: PeerAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const asked = send(new URL(path, url), { headers, agent, signal: late.signal }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerBytesMax) answer.destroy(new Error('too long an answer'));
        else chunks.push(chunk);
      });
      answer.on('end', () => end(read(answer.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
      answer.on('error', (cause) => end(failure(cause, late.signal.aborted)));
    });
    asked.on('error', (cause) => end(failure(cause, late.signal.aborted)));
    asked.end();
  });
}

function read(status: number, text: string): PeerAnswer {
  if (status === 401 || status === 403) return { reach: 'denied', reason: 'it wants another token' };
  try {
    const document = JSON.parse(text) as unknown;
    if (status === 200 && typeof document === 'object' && document !== null && !Array.isArray(document))
      return { reach: 'ok', document: document as Readonly<Record<string, unknown>> };
  } catch {
    // told below
  }
  return { reach: 'failed', reason: `it answered ${status}` };
}

function failure(cause: Error, isLate: boolean): PeerAnswer {
  if (isLate) return { reach: 'silent', reason: 'no answer in time' };
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE')
    return { reach: 'refused', reason: 'nobody listens there' };
  return { reach: 'failed', reason: code ?? cause.message };
}
