/** What a typed line asks for. `rest` is everything after the words, as it was typed. */
export type Typed =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'nothing' }
  | { readonly type: 'command'; readonly name: CommandName; readonly words: readonly string[] }
  | { readonly type: 'unknown'; readonly word: string; readonly nearest: CommandName | undefined };

/** Every command: its short name, other names, what follows it, and what it does. */
export const commandTable = {
  groups: { short: 'g', takes: '', does: 'groups of this tracker' },
  members: { short: 'lm', takes: '[GROUP]', does: 'members of a group' },
  join: { short: 'j', takes: 'GROUP [KEY]', does: 'join a group, or make it' },
  write: { short: 'w', takes: 'GROUP', does: 'write to another of your groups' },
  exit: { short: 'e', takes: '[GROUP] [REASON…]', does: 'leave a group' },
  quit: { short: 'q', takes: '[REASON…]', does: 'leave all groups and end' },
  help: { short: 'h', takes: '', does: 'this list' },
  peers: { short: 'p', takes: '[GROUP]', does: 'how you reach the others: directly or through the tracker' },
  order: { short: 'o', takes: '[GROUP]', does: 'the order of messages: numbers, and what waits' },
  statistics: { short: 's', takes: '', does: 'what was sent, received, how fast' },
  topic: { short: 't', takes: '[TEXT…]', does: 'read or set the topic' },
  away: { short: 'a', takes: '[TEXT…]', does: 'be away, or back' },
  ignore: { short: 'i', takes: '[NICK]', does: 'do not show somebody, or show again' },
  log: { short: 'l', takes: '[COUNT]', does: 'the last messages again' },
  invite: { short: 'n', takes: 'NICK', does: 'invite somebody' },
  kick: { short: 'k', takes: 'NICK [REASON…]', does: 'put somebody out' },
  ban: { short: 'b', takes: 'NICK [REASON…]', does: 'put somebody out for good' },
  role: { short: 'r', takes: 'NICK owner|moderator|voice|member', does: 'give somebody a role' },
} as const;

export type CommandName = keyof typeof commandTable;

const names = Object.keys(commandTable) as CommandName[];
const byWord = new Map<string, CommandName>(
  names.flatMap((name) => [
    [name, name],
    [commandTable[name].short, name],
  ]),
);
byWord.set('part', 'exit').set('nick-ignore', 'ignore').set('list', 'groups').set('stats', 'statistics');

/**
 * `!j tea` and `/join tea` are commands; `!!` and `//` begin a text with one of these signs. A line that begins with `!`
 * and no letter, such as `!?`, is a text.
 */
export function parseLine(line: string): Typed {
  const trimmed = line.trim();
  if (trimmed === '') return { type: 'nothing' };
  const [sign] = trimmed;
  if (sign !== '!' && sign !== '/') return { type: 'text', text: line };
  if (trimmed.startsWith(`${sign}${sign}`)) return { type: 'text', text: trimmed.slice(1) };
  const [word = '', ...words] = trimmed.slice(1).split(/\s+/);
  if (!/^[a-z]/i.test(word)) return { type: 'text', text: line };
  const name = byWord.get(word.toLowerCase());
  if (name !== undefined) return { type: 'command', name, words };
  return { type: 'unknown', word, nearest: names.find((one) => one.startsWith(word.toLowerCase())) };
}
