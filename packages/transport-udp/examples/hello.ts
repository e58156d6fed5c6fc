// Two nodes on this host: one sends a datagram back, the other asks until it is answered.
import { openNetwork } from '@grp/transport-udp';

const server = await openNetwork({ bind: '127.0.0.1:0', allow: ['127.0.0.0/8'] });
server.transport.onReceive((from, payload) => server.transport.send(from, payload));
server.streams.onAccept((stream) => ({
  onData: (bytes) => void stream.write(bytes), // false would mean: wait for onDrain
  onEnd: () => stream.end(),
}));
console.log(`listening, UDP and TCP: ${server.self.startsWith('127.0.0.1:')}`);

const client = await openNetwork({ bind: '127.0.0.1:0' });
const answer = new Promise<Uint8Array>((resolve) => client.transport.onReceive((_, payload) => resolve(payload)));
const ask = setInterval(() => client.transport.send(server.self, new TextEncoder().encode('hello')), 20);
console.log(`answer: ${new TextDecoder().decode(await answer)}`);
clearInterval(ask);
await Promise.all([client.close(), server.close()]);
