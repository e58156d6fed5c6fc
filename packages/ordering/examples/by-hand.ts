// Three members fed by hand: what FIFO order leaves open, total order settles.
import type { Address, NodeId } from '@grp/core';
import { OrderingMachine, type Input, type Order } from '@grp/ordering';

function show(order: Order): void {
  const members = ['ann', 'ben', 'eve'].map((name) => ({ id: name as NodeId, address: `${name}:1` as Address }));
  const machines = new Map(members.map((self) => [self.address, new OrderingMachine({ self, order })]));
  const screens = new Map(members.map(({ address }) => [address, '']));
  const mail: { to: Address; input: Input }[] = members.map(({ address }) => ({
    to: address,
    input: { type: 'view', view: { number: 1, members } },
  }));
  const feed = (to: Address, input: Input): void => {
    for (const effect of machines.get(to)?.step([input], 0) ?? []) {
      if (effect.type === 'transmit')
        for (const next of effect.to)
          mail.push({ to: next, input: { type: 'receive', from: to, message: effect.message } });
      if (effect.type !== 'deliver') continue;
      for (const { payload } of effect.deliveries)
        screens.set(to, `${screens.get(to)} ${new TextDecoder().decode(payload)}`);
    }
  };
  const post = (): void => {
    for (let letter = mail.shift(); letter !== undefined; letter = mail.shift()) feed(letter.to, letter.input);
  };
  post();
  feed('ann:1' as Address, { type: 'send', payload: new TextEncoder().encode('tea?') });
  feed('ben:1' as Address, { type: 'send', payload: new TextEncoder().encode('coffee?') });
  mail.reverse(); // the network may do that
  post();
  for (const [address, screen] of screens) console.log(`${order.padEnd(5)} ${address.slice(0, 3)}:${screen}`);
}

show('fifo');
show('total');
