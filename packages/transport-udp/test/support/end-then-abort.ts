// A process that ends a stream, aborts it while the end is under way, closes everything, and must then end by itself.
import { openNetwork } from '@grp/transport-udp';

const [ann, bob] = [await openNetwork({ bind: '127.0.0.1:0' }), await openNetwork({ bind: '127.0.0.1:0' })];
bob.streams.onAccept((stream) => ({
  onEnd() {
    stream.end();
    stream.abort();
  },
}));
const stream = ann.streams.dial(bob.self, {
  onOpen: () => stream.end(),
  onClose: () => void Promise.all([ann.close(), bob.close()]).then(() => console.log('closed')),
});
