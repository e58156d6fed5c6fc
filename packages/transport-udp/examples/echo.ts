// Two nodes on this host: a datagram there and back, then a stream, behind a network that loses a tenth.
import { systemClock, systemRandom } from '@grp/core';
import { injectFaults, openNetwork } from '@grp/transport-udp';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

const server = await openNetwork({ bind: '127.0.0.1:0', allow: ['127.0.0.0/8'] });
server.transport.onReceive((from, payload) => server.transport.send(from, payload));
server.streams.onAccept((stream) => ({
  onData: (chunk) => void stream.write(chunk), // false would mean: wait for onDrain
  onEnd: () => stream.end(),
}));

const plain = await openNetwork({ bind: '127.0.0.1:0' });
const client = injectFaults(plain, { clock: systemClock(), random: systemRandom(), loss: 0.1, delayMs: 5 });
const answered = new Promise<string>((resolve) => client.transport.onReceive((_, payload) => resolve(text(payload))));
const again = setInterval(() => client.transport.send(server.self, bytes('hello')), 20); // datagrams may be lost
console.log(`datagram: ${await answered}`);
clearInterval(again);

let heard = '';
const reason = await new Promise<string>((onClose) => {
  const onData = (chunk: Uint8Array): void => void (heard += text(chunk));
  const stream = client.streams.dial(server.self, { onData, onClose }, { timeoutMs: 5_000 });
  stream.write(bytes('a longer story'));
  stream.end();
});
console.log(`stream: ${heard} (${reason})`);
await Promise.all([client.close(), server.close()]);
