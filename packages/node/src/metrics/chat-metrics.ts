import type { ChatMachine } from '@grp/chat';
import type { Registry } from 'prom-client';
import { counter, gauge } from './read-metric.ts';

/** The metrics of this server's copy of the chat. */
export function chatMetrics(machine: ChatMachine, registry: Registry): void {
  let applied = 0;
  machine.onMessage(() => applied++);
  const registers = [registry];
  gauge({ name: 'grp_chat_accounts', help: 'Accounts.', registers }, () => [[{}, count(machine.view.accounts())]]);
  gauge({ name: 'grp_chat_rooms', help: 'Rooms and conversations.', registers }, () => [
    [{}, count(machine.view.rooms())],
  ]);
  counter(
    { name: 'grp_chat_messages_total', help: 'Messages applied here since the start, replayed ones too.', registers },
    () => [[{}, applied]],
  );
}

function count(items: Iterable<unknown>): number {
  let sum = 0;
  for (const _ of items) sum++;
  return sum;
}
