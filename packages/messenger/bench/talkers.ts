import { setTimeout as sleep } from 'node:timers/promises';
import { openMessenger, type OpenedMessenger } from '@grp/messenger';
import { createTracker } from '@grp/tracker';
import { nodeCrypto } from '@grp/tracker/node';
import { openNetwork } from '@grp/transport-udp';

/** Clients in one group, all in this process: what is measured is the way of a message from one to another. */
export interface Talkers {
  readonly name: string;
  send(index: number, text: string): void;
  onMessage(index: number, listener: (text: string) => void): void;
  close(): Promise<void>;
}

/** Messengers with a tracker, over real sockets. */
export async function openMessengers(count: number, order: 'fifo' | 'total'): Promise<Talkers> {
  const network = await openNetwork({ bind: '127.0.0.1:0', maxStreams: 1_000, maxStreamsPerPeer: 1_000 });
  const tracker = createTracker({ streams: network.streams, crypto: nodeCrypto() });
  await tracker.start();
  const opened: OpenedMessenger[] = [];
  for (let index = 0; index < count; index++) {
    const one = await openMessenger({
      tracker: network.self,
      nick: `n${index}`,
      config: { receiveBytesPerSecond: 1_073_741_824, receiveBytesBurst: 1_073_741_824 },
    });
    await one.messenger.start({ timeoutMs: 120_000 });
    await one.messenger.join('tea', { order, timeoutMs: 120_000 });
    opened.push(one);
  }
  const isWhole = (): boolean =>
    opened.every(({ messenger }) => {
      const [state] = messenger.groups();
      return state?.status === 'active' && state.members.length === count && state.reached === count - 1;
    });
  while (!isWhole()) await sleep(50);
  return {
    name: `grp ${order}`,
    send: (index, text) => opened[index]?.messenger.send('tea', text),
    onMessage: (index, listener) => {
      opened[index]?.messenger.on((event) => {
        if (event.type === 'message' && !event.isOwn) listener(event.text);
      });
    },
    async close() {
      await Promise.all(opened.map((one) => one.close()));
      await tracker.stop();
      await network.close();
    },
  };
}
