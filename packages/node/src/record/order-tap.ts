import type { FileServerOrders } from '@grp/dfs';
import type { Recorder } from './recorder.ts';

const blobDigits = 8;

/** What the master of the file store has file servers do, and what becomes of it: repair, and deletion. */
export function tapOrders(orders: FileServerOrders, recorder: Recorder): FileServerOrders {
  return {
    async copy(order) {
      const what = `copy of ${order.blob.slice(0, blobDigits)} from ${order.from.id} to ${order.to.id}`;
      recorder.mark('dfs', 'send', `order: ${what}`);
      const found = await orders.copy(order);
      if (typeof found === 'string') recorder.mark('dfs', 'trouble', `${what}: ${found}`);
      else recorder.mark('dfs', 'state', `${what}: done`);
      return found;
    },
    async verify(order) {
      const what = `${order.at.id} reads ${order.blob.slice(0, blobDigits)} again`;
      recorder.mark('dfs', 'send', `order: ${what}`);
      const found = await orders.verify(order);
      recorder.mark('dfs', found === 'intact' ? 'state' : 'trouble', `${what}: ${found}`);
      return found;
    },
    async remove(order) {
      const what = `${order.at.id} deletes ${order.items.length}`;
      recorder.mark('dfs', 'send', `order: ${what}`);
      const isDone = await orders.remove(order);
      if (!isDone) recorder.mark('dfs', 'trouble', `${what}: not reached`);
      return isDone;
    },
  };
}
