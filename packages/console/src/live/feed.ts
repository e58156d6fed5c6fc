import { number, record, text, texts, type Json } from '../read.ts';
import { listText, nameOf } from '../words.ts';

/** One line of the event feed. */
export interface FeedLine {
  readonly serial: number;
  /** Wall-clock ms. */
  readonly at: number;
  readonly noun: string;
  readonly type: string;
  /** Whom it is about, when it is about somebody. */
  readonly subject: string;
  readonly words: string;
  readonly tone: 'plain' | 'good' | 'warn' | 'bad';
}

const bad: readonly string[] = ['down', 'excluded', 'conflict', 'fault', 'dropped'];
const warn: readonly string[] = ['suspect', 'blocked', 'leave', 'stopping'];
const good: readonly string[] = ['join', 'alive', 'unblocked', 'recovered'];

/** Makes a line of an event of `/v1/events`; undefined for what is none. */
export function feedLine(event: Json, serial: number): FeedLine | undefined {
  const noun = text(event['noun']);
  const type = text(event['type']);
  if (noun === '' || type === '') return undefined;
  const tone = bad.includes(type) ? 'bad' : warn.includes(type) ? 'warn' : good.includes(type) ? 'good' : 'plain';
  return { serial, at: Date.parse(text(event['at'])) || 0, noun, type, tone, ...tell(noun, type, event) };
}

function tell(noun: string, type: string, event: Json): Pick<FeedLine, 'subject' | 'words'> {
  const member = record(event['member']);
  if (typeof member['name'] === 'string') {
    return { subject: text(member['name']), words: `incarnation ${number(member['incarnation'])}` };
  }
  if (noun === 'gms' && type === 'message') {
    const payload = text(event['payload'], '(bytes)').slice(0, 200);
    return { subject: nameOf(text(event['sender'])), words: `#${number(event['sequence'])} ${payload}` };
  }
  if (noun === 'gms' && type === 'view') return viewWords(event);
  if (noun === 'raft' && type === 'role') {
    const leader = text(event['leader']);
    const led = leader === '' ? 'no leader yet' : `${leader} leads`;
    const group = text(event['group'], 'raft');
    return {
      subject: text(event['id']),
      words: `${group}: ${text(event['role'])} in term ${number(event['term'])}, ${led}`,
    };
  }
  if (noun === 'raft' && type === 'configuration')
    return { subject: text(event['group']), words: `voters ${listText(texts(event['voters']))}` };
  const words = [event['name'], event['message'], event['reason'], event['payload']].filter((one) => one !== undefined);
  const count = typeof event['count'] === 'number' ? [`${event['count']} events missed`] : [];
  return { subject: text(event['group']), words: [...words.map((one) => text(one)), ...count].join(' ').slice(0, 300) };
}

function viewWords(event: Json): Pick<FeedLine, 'subject' | 'words'> {
  const view = record(event['view']);
  const names = (list: unknown): string => listText(texts(list).map(nameOf));
  const joined = names(event['joined']);
  const gone = names(event['gone']);
  const words = [joined === '' ? '' : `${joined} joined`, gone === '' ? '' : `${gone} gone`].filter(
    (one) => one !== '',
  );
  const leader = nameOf(text(view['leader']));
  return { subject: `view ${number(view['id'])}`, words: [`led by ${leader}`, ...words].join(', ') };
}

/** The newest lines, up to a limit: the oldest go first. */
export class Feed {
  readonly #linesMax: number;
  #lines: FeedLine[] = [];
  #serial = 0;

  constructor(linesMax = 50_000) {
    this.#linesMax = linesMax;
  }

  get lines(): readonly FeedLine[] {
    return this.#lines;
  }

  add(event: unknown): FeedLine | undefined {
    const line = feedLine(record(event), this.#serial + 1);
    if (line === undefined) return undefined;
    this.#serial++;
    this.#lines.push(line);
    // In pieces: shifting one of fifty thousand with each event would be the greater part of the work.
    if (this.#lines.length > this.#linesMax * 1.1) this.#lines = this.#lines.slice(-this.#linesMax);
    return line;
  }
}

/** The lines of some nouns that hold a text, newest last. */
export function filterFeed(
  lines: readonly FeedLine[],
  { nouns, words }: { readonly nouns: ReadonlySet<string>; readonly words: string },
): readonly FeedLine[] {
  const wanted = words.trim().toLowerCase();
  if (nouns.size === 0 && wanted === '') return lines;
  return lines.filter(
    (line) =>
      (nouns.size === 0 || nouns.has(line.noun)) &&
      (wanted === '' || `${line.type} ${line.subject} ${line.words}`.toLowerCase().includes(wanted)),
  );
}
