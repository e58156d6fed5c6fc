import { createWorld, type Host } from '@grp/sim';

// A node that sends a heartbeat to the others each second, and doubts those it has not heard for three.
function start({ transport, clock, name }: Host) {
  const port = transport(7946);
  const heardAt = new Map<string, number>();
  port.onReceive((from) => heardAt.set(from, clock.now()));
  const beat = () => {
    for (let host = 1; host <= 3; host++) port.send(`10.0.0.${host}:7946` as typeof port.self, new Uint8Array(1));
    clock.wakeAt(clock.now() + 1_000, beat);
  };
  beat();
  return { name, doubts: () => [...heardAt].filter(([, at]) => clock.now() - at > 3_000).map(([from]) => from) };
}

const world = createWorld({ seed: 42, nodes: ['a', 'b', 'c'], start, network: { loss: 0.1 } });
world.runFor(60_000);
world.network.partition(['a', 'b'], ['c']);
const ms = world.runUntilSync(() => world.node('a').doubts().includes('10.0.0.3:7946'), { withinMs: 10_000 });
console.log(`a doubts c after ${ms} ms; b is fine: ${!world.node('a').doubts().includes('10.0.0.2:7946')}`);
console.log(`trace ${world.traceHash().slice(0, 8)}, ${world.counts()['drop.loss']} datagrams lost`);
