// Nodes with links in a simulated world, and the book that says what each life must have heard.
import type { Address } from '@grp/core';
import type { Host } from '@grp/sim';
import { createLinks, type Links, type LinkSettings } from '@grp/link';

export const port = 7_946;

/** One life of one node, and all it saw. */
export interface Life {
  readonly host: Host;
  readonly links: Links;
  /** In order: a message, a reset, room, trouble. */
  readonly log: string[];
  readonly received: { readonly from: Address; readonly text: string }[];
}

export interface LifeOptions {
  readonly config?: Partial<LinkSettings>;
  /** Everything leaves at once instead of at the end of the instant. */
  readonly eager?: boolean;
}

export function life({ config = {}, eager = false }: LifeOptions = {}) {
  return (host: Host): Life => {
    const { clock } = host;
    const links = createLinks({
      transport: host.transport(port),
      clock,
      random: host.random.fork('link'),
      logger: host.logger,
      config,
      ...(eager ? {} : { defer: (callback: () => void) => void clock.wakeAt(clock.now(), callback) }),
    });
    const app: Life = { host, links, log: [], received: [] };
    links.onReceive((from, message) => {
      const text = new TextDecoder().decode(message.subarray(0, 64));
      app.received.push({ from, text });
      app.log.push(`${from} ${text}`);
    });
    links.onReset((peer) => app.log.push(`${peer} reset`));
    links.onWritable((peer) => app.log.push(`${peer} writable`));
    links.onTrouble((peer, reason) => app.log.push(`${peer} ${reason}`));
    return app;
  };
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
