import type { MessengerEvent } from '@grp/messenger';
import type { Output } from './output.ts';

const reasons: Readonly<Record<string, string>> = {
  leave: 'left',
  quit: 'has quit',
  lost: 'was lost',
  kick: 'was put out',
  ban: 'was banned',
  reclaimed: 'was replaced by its owner',
  agreed: 'does not answer; the others have agreed to go on without it',
};

/** What an event of the messenger is on the screen; undefined for what nobody has to read. */
export function outputOf(event: MessengerEvent): Output | undefined {
  switch (event.type) {
    case 'message':
    case 'view':
      return event;
    case 'joined':
      return notice('joined', event.group, `${event.nick} ${event.isBack ? 'is back' : 'has joined'}`);
    case 'left':
      return notice('left', event.group, `${event.nick} ${gone(event.reason, event.text)}`);
    case 'topic': {
      const text =
        event.text === '' ? `${event.by} has taken the topic away` : `${event.by} sets the topic: ${event.text}`;
      return notice('topic', event.group, text);
    }
    case 'policy':
      return notice(
        'policy',
        event.group,
        `the policy is now ${event.info.access}${event.info.moderated ? ', moderated' : ''}`,
      );
    case 'invite':
      return notice('invite', event.group, `${event.by} invites you: !j ${event.group}`);
    case 'removed':
      return notice('removed', event.group, `you are out: ${gone(event.reason, event.text)}`);
    case 'status':
      return statusNotice(event);
    case 'path':
      // That there is no path is seen in the prompt; whoever is gone for good leaves the view.
      return event.path === 'relay'
        ? notice('path', event.group, `${event.nick} is reached through the tracker only`)
        : undefined;
    case 'motd':
      return { type: 'notice', code: 'motd', text: event.text };
    case 'tracker':
      return { type: 'notice', code: `tracker-${event.state}`, text: trackerText(event) };
    case 'trouble':
      return { type: 'notice', code: event.code, ...(event.group !== '' && { group: event.group }), text: event.text };
    default:
      return undefined;
  }
}

function notice(code: string, group: string, text: string): Output {
  return { type: 'notice', code, group, text };
}

function gone(reason: string, text: string): string {
  const said = reasons[reason] ?? reason;
  return text === '' ? said : `${said} (${text})`;
}

function statusNotice({ group, status }: Extract<MessengerEvent, { type: 'status' }>): Output | undefined {
  if (status !== 'blocked') return undefined;
  return notice('blocked', group, 'blocked: the tracker is away, and those who answer are no majority of the group');
}

function trackerText({ state, reason }: Extract<MessengerEvent, { type: 'tracker' }>): string {
  const why = reason === '' ? '' : ` (${reason})`;
  return state === 'lost' ? `the tracker is lost${why}; you can go on talking` : `the tracker is back${why}`;
}
