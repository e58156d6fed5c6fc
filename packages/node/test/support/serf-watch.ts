import type { SerfAgent } from './serf-agent.ts';
import { allowances } from './serf-allowances.ts';
import { conclusionOf, type LogLine } from './serf-log.ts';
import type { GrpNode, NodeEvent } from './serf-node.ts';

export interface Watched {
  readonly name: string;
  readonly address: string;
}

/** What one member concluded about another, when. */
export interface Conclusion {
  readonly at: number;
  readonly observer: string;
  readonly side: 'serf' | 'grp';
  readonly about: string;
  readonly kind: 'join' | 'failed' | 'leave' | 'suspect';
}

/** Something that should not have been. */
export interface Violation {
  /** `false-positive`: a healthy member was declared down or left, or missed in a list. `log`: a line in Serf's log. */
  readonly kind: 'false-positive' | 'log' | 'unwell';
  readonly text: string;
}

export interface WatchReport {
  /** Complete looks at one member's list. */
  readonly lists: number;
  /** Of members that are healthy, by observer's kind: refuted every time, or there would be a violation. */
  readonly suspicions: { readonly serf: number; readonly grp: number };
  /** The first hundred. */
  readonly violations: readonly Violation[];
  /** Allowed warnings and errors in Serf's logs, by reason. */
  readonly warnings: Readonly<Record<string, number>>;
}

const lingerMs = 15_000;
const violationsMax = 100;
const kinds: Readonly<Record<string, Conclusion['kind']>> = {
  join: 'join',
  alive: 'join',
  down: 'failed',
  leave: 'leave',
  suspect: 'suspect',
};

/** Watches every list, every event stream and every agent's log, and judges: healthy members are alive for everyone. */
export class Watch {
  readonly conclusions: Conclusion[] = [];
  readonly #members: readonly Watched[];
  /** Member → when its absence is to be over in the logs too; without end while it is away. */
  readonly #excusedUntil = new Map<string, number>();
  readonly #away = new Set<string>();
  readonly #violations: Violation[] = [];
  readonly #warnings = new Map<string, number>();
  #lossUntil = 0;
  #imposterUntil = 0;
  readonly #suspicions = { serf: 0, grp: 0 };
  #lists = 0;

  constructor(members: readonly Watched[]) {
    this.#members = members;
    for (const { name } of members) this.#away.add(name);
  }

  /** From now on everyone is there, unless excused. */
  arm(): void {
    this.#away.clear();
  }

  /** This member is about to be killed, or to leave. */
  excuse(name: string): void {
    this.#away.add(name);
    this.#excusedUntil.set(name, Number.POSITIVE_INFINITY);
  }

  /** It is alive on all lists again, and has to stay so; what the logs still say about its absence is excused. */
  welcome(name: string): void {
    this.#away.delete(name);
    this.#excusedUntil.set(name, performance.now() + lingerMs);
  }

  /** From now on somebody claims a name that is taken; until shortly after the end of it. */
  imposterComes(): void {
    this.#imposterUntil = Number.POSITIVE_INFINITY;
  }

  imposterGoes(): void {
    this.#imposterUntil = performance.now() + lingerMs;
  }

  lossBegins(): void {
    this.#lossUntil = Number.POSITIVE_INFINITY;
  }

  lossEnds(): void {
    this.#lossUntil = performance.now() + lingerMs;
  }

  violate(kind: Violation['kind'], text: string): void {
    if (this.#violations.length < violationsMax) this.#violations.push({ kind, text });
  }

  /** Takes one list. `suspect` is still a member. */
  onList(observer: string, list: readonly { readonly name: string; readonly status: string }[]): void {
    this.#lists++;
    const statuses = new Map(list.map(({ name, status }) => [name, status]));
    for (const { name } of this.#members) {
      const status = statuses.get(name) ?? 'missing';
      if (this.#away.has(name) || this.#away.has(observer) || status === 'alive' || status === 'suspect') continue;
      this.violate('false-positive', `${observer} lists ${name} as ${status}`);
    }
  }

  /** A member gave no list. */
  unanswered(observer: string, cause: unknown): void {
    if (this.#away.has(observer)) return;
    this.violate('unwell', `${observer} gave no list: ${cause instanceof Error ? cause.message : String(cause)}`);
  }

  onLine(agent: SerfAgent, line: LogLine): void {
    const conclusion = conclusionOf(line);
    if (conclusion !== undefined) {
      const { kind, name: about } = conclusion;
      this.#conclude({ at: line.at, observer: agent.name, side: 'serf', about, kind });
    }
    const suspect = /^memberlist: Suspect (\S+) has failed/.exec(line.text)?.[1];
    if (suspect !== undefined) {
      this.#conclude({ at: line.at, observer: agent.name, side: 'serf', about: suspect, kind: 'suspect' });
    }
    if (line.level === 'WARN' || line.level === 'ERR') this.#judge(agent, line);
  }

  onEvent(node: GrpNode, { type, receivedAt, member }: NodeEvent): void {
    const kind = kinds[type];
    if (kind !== undefined && member !== undefined) {
      this.#conclude({ at: receivedAt, observer: node.name, side: 'grp', about: member.name, kind });
    } else if (type === 'fault' || type === 'conflict' || type === 'dropped') {
      this.violate('unwell', `${node.name} says ${type}`);
    }
  }

  report(): WatchReport {
    return {
      lists: this.#lists,
      suspicions: { ...this.#suspicions },
      violations: [...this.#violations],
      warnings: Object.fromEntries(this.#warnings),
    };
  }

  #conclude(conclusion: Conclusion): void {
    const { about, observer, side, kind } = conclusion;
    this.conclusions.push(conclusion);
    if (kind === 'join' || this.#away.has(about) || this.#away.has(observer)) return;
    if (kind === 'suspect') this.#suspicions[side]++;
    else
      this.violate(
        'false-positive',
        `${observer} took ${about}, which is healthy, for ${kind === 'leave' ? 'left' : kind}`,
      );
  }

  #judge(agent: SerfAgent, { level, text }: LogLine): void {
    const now = performance.now();
    const excused = this.#members.filter(({ name }) => (this.#excusedUntil.get(name) ?? 0) > now);
    const holds = {
      own: excused.some(({ name }) => name === agent.name),
      away: excused.some(({ name, address }) => text.includes(address) || text.includes(name)),
      loss: this.#lossUntil > now,
      imposter: this.#imposterUntil > now,
      always: true,
    };
    const allowed = allowances.find(({ pattern, when }) => holds[when] && pattern.test(text));
    if (allowed === undefined) this.violate('log', `${agent.name}: [${level}] ${text}`);
    else this.#warnings.set(allowed.reason, (this.#warnings.get(allowed.reason) ?? 0) + 1);
  }
}
