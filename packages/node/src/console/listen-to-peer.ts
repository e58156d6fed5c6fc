import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Cancel } from '@grp/core';

export interface PeerStream {
  readonly opened: () => void;
  /** The JSON text of one event. */
  readonly event: (json: string) => void;
  /** Once; after a cancel, not at all. */
  readonly closed: () => void;
}

/** Listens to the events of one node until it ends, or is cancelled. Never throws. */
export type ListenToPeer = (
  place: { readonly url: string; readonly token: string | undefined },
  stream: PeerStream,
) => Cancel;

// Nodes send a comment every few seconds, so that this much silence means that the node or the way to it is gone.
const silentMs = 60_000;
const lineMax = 262_144;

/** Listens over HTTP. */
export function peerListener(ca: Buffer | undefined): ListenToPeer {
  return ({ url, token }, stream) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    let isOver = false;
    const asked = send(new URL('/v1/events', url), {
      headers: { accept: 'text/event-stream', ...authorization },
      agent: false,
      timeout: silentMs,
      ...(ca === undefined ? {} : { ca }),
    });
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      asked.destroy();
      stream.closed();
    };
    asked.on('response', (answer) => {
      if (answer.statusCode !== 200) return end();
      stream.opened();
      let rest = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        const lines = (rest + piece).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > lineMax) return end();
        for (const line of lines) if (line.startsWith('data: ') && !isOver) stream.event(line.slice('data: '.length));
      });
      answer.on('close', end);
      answer.on('error', end);
    });
    asked.on('timeout', end);
    asked.on('error', end);
    asked.end();
    return () => {
      isOver = true;
      asked.destroy();
    };
  };
}
