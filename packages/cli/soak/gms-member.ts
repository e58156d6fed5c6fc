// One member of the group that `gms-kills.ts` tries: multicasts at a fixed rate, checks what it delivers, and answers its
// parent. Every message carries its sender's number, so that each member can see by itself whether one is missing.
import { createHash } from 'node:crypto';
import { createNode } from '@grp/node';

interface Order {
  readonly name: string;
  readonly join: readonly string[];
  readonly delivery: 'agreed' | 'safe';
  /** Messages a second. */
  readonly rate: number;
}

const order = JSON.parse(process.argv[2] as string) as Order;
const node = await createNode({
  roles: ['swim', 'gms'],
  name: order.name,
  bind: '127.0.0.1:0',
  join: order.join,
  delivery: order.delivery,
});
const group = node.gms;
if (group === undefined) throw new Error('a node with the role gms has a group');

const problems: string[] = [];
/** Sender → the number of its last message. */
const last = new Map<string, number>();
/** Sequence → hash over the 500 messages that end there, to compare with the other members. */
let checkpoints: [number, string][] = [];
let window = createHash('sha1');
let windowSize = 0;
let ownSent = 0;
let ownDelivered = 0;
let delivered = 0;
let lastDeliveryAt = performance.now();
/** The longest time without a delivery since the parent last asked. */
let gapMs = 0;

group.on('message', ({ sequence, sender, payload }) => {
  const now = performance.now();
  gapMs = Math.max(gapMs, now - lastDeliveryAt);
  lastDeliveryAt = now;
  delivered++;
  const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
  const before = last.get(sender);
  if (before !== undefined && number !== before + 1)
    problems.push(`${sender}: ${number} after ${before}, as ${sequence}`);
  last.set(sender, number);
  if (sender === group.self.id) {
    ownDelivered++;
    if (number !== ownDelivered) problems.push(`own message ${number} came as number ${ownDelivered}`);
  }
  window.update(`${sender} ${number};`);
  windowSize++;
  if (sequence % 500 !== 0) return;
  if (windowSize === 500) checkpoints.push([sequence, window.digest('hex')]);
  window = createHash('sha1');
  windowSize = 0;
});

await node.start();
await node.ready();

const payload = Buffer.alloc(100);
let sending = true;
let due = performance.now();
const timer = setInterval(() => {
  for (; due < performance.now(); due += 1_000 / order.rate) {
    if (!sending) break;
    payload.writeUInt32BE(ownSent + 1, 0);
    if (!group.post(Uint8Array.from(payload))) break; // full: the same number again, when there is room
    ownSent++;
  }
  if (!sending || due < performance.now() - 1_000) due = performance.now();
}, 2);

process.on('message', (question: 'tell' | 'quiet' | 'stop') => {
  if (question === 'quiet') sending = false;
  if (question === 'stop') {
    clearInterval(timer);
    void node.stop({ leave: false }).then(() => process.exit(0));
    return;
  }
  const { view, status } = group;
  process.send?.({
    type: question,
    status,
    leader: view?.members[0]?.name,
    members: view?.members.length ?? 0,
    mark: group.delivered,
    checkpoints,
    problems,
    delivered,
    ownSent,
    ownDelivered,
    gapMs,
  });
  checkpoints = [];
  gapMs = 0;
});
process.send?.({ type: 'ready', bind: `127.0.0.1:${node.status().ports.swim}` });
