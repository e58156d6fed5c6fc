// The conversation of the README: three people, a death, and a tracker that goes away.
import type { MessengerEvent } from '../../src/index.ts';
import { messagesOf, openRoom, viewOf, type Room } from './world.ts';

/** What `grp messenger` shows of an event, without colours. */
function shown(event: MessengerEvent): string | undefined {
  switch (event.type) {
    case 'message':
      return `${event.sequence} ${event.from}: ${event.text}${event.isReplay ? ' (replay)' : ''}`;
    case 'joined':
      return `* ${event.nick} has joined`;
    case 'left':
      return `* ${event.nick} is gone: ${event.reason}${event.text === '' ? '' : ` (${event.text})`}`;
    case 'tracker':
      return `* the tracker is ${event.state}`;
    case 'view':
      return `* view of ${event.members.join(', ')}`;
    default:
      return undefined;
  }
}

/** All screens of the conversation, one after the other; the same in every run. */
export async function conversation(): Promise<string> {
  const room = await openRoom({ seed: 'tea', network: { loss: 0.1 } });
  await room.gather('tea', ['ann', 'bob', 'eve'], { order: 'total' });
  await talk(room, [
    ['ann', 'is the kettle on?'],
    ['bob', 'it is'],
  ]);
  // Two at the same time: there is no first one, and yet everybody reads them in one order.
  room.chatter('ann').messenger.send('tea', 'milk for everybody?');
  room.chatter('eve').messenger.send('tea', 'and who has the cups?');
  await room.until(() => counts(room, ['ann', 'bob', 'eve'], 4), 'both are read');
  room.world.crash('bob');
  room.chatter('eve').messenger.send('tea', 'bob?');
  await room.until(() => viewOf(room.chatter('ann'), 'tea').length === 2, 'bob is out');
  await room.until(() => counts(room, ['ann', 'eve'], 5), 'and the question is read');
  room.world.crash('tracker');
  await room.until(() => isLost(room), 'the tracker is lost');
  await talk(room, [['ann', 'who needs a tracker to talk?']], ['ann', 'eve']);
  room.world.restart('tracker');
  await room.until(() => !isLost(room), 'it is back');
  const joe = await room.add('joe');
  await room.settle(joe.messenger.join('tea'));
  await room.until(() => messagesOf(joe, 'tea').length === 6, 'joe knows what was said');
  await talk(room, [['joe', 'sorry, I am late']], ['ann', 'eve', 'joe']);
  return ['ann', 'eve', 'joe']
    .map((name) => {
      const lines = room.chatter(name).events.flatMap((event) => shown(event) ?? []);
      return `--- on ${name}'s screen\n${lines.join('\n')}\n`;
    })
    .join('');
}

async function talk(
  room: Room,
  lines: readonly (readonly [name: string, text: string])[],
  everybody: readonly string[] = ['ann', 'bob', 'eve'],
): Promise<void> {
  for (const [name, text] of lines) {
    const before = messagesOf(room.chatter(everybody[0] ?? ''), 'tea').length;
    room.chatter(name).messenger.send('tea', text);
    await room.until(() => counts(room, everybody, before + 1), text);
  }
}

function counts(room: Room, names: readonly string[], count: number): boolean {
  return names.every((name) => messagesOf(room.chatter(name), 'tea').length === count);
}

function isLost(room: Room): boolean {
  return ['ann', 'eve'].every((name) => room.chatter(name).messenger.tracker.state === 'lost');
}
