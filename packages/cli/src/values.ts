import { parseAddress } from '@grp/core';
import { cliError } from './errors.ts';

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * `500ms`, `5s`, `1.5m`, `1h` as milliseconds. A bare number is refused: nobody would know its unit.
 * @throws GrpError CLI_VALUE
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  const ms = match === null ? Number.NaN : Number(match[1]) * (unitsMs[match[2] as string] as number);
  if (text.trim() === '0') return 0;
  // 2³¹−1 ms is the longest that a timer takes.
  if (Number.isNaN(ms) || ms > 2_147_483_647) {
    throw cliError('CLI_VALUE', {
      context: { what: `"${text}" is not a duration.` },
      hint: 'Write a number and a unit, at most 24 days: 500ms, 5s, 2m, 1h.',
    });
  }
  return Math.round(ms);
}

/** `2%` or `0.02` as 0.02; 0 to 1. @throws GrpError CLI_VALUE */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(share >= 0 && share <= 1)) {
    throw cliError('CLI_VALUE', {
      context: { what: `"${text}" is not a share.` },
      hint: 'Write 2% or 0.02; from 0% to 100%.',
    });
  }
  return share;
}

/** A whole number in bounds. @throws GrpError CLI_VALUE */
export function parseWhole(text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw cliError('CLI_VALUE', { context: { what: `"${text}" is not a whole number from ${min} to ${max}.` } });
  }
  return value;
}

/** `rack=a,zone=b` given as several texts, as a record; a later one wins. @throws GrpError CLI_VALUE */
export function parseTags(texts: readonly string[]): Record<string, string> {
  const tags: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals < 1) {
      throw cliError('CLI_VALUE', { context: { what: `"${text}" is not a tag.` }, hint: 'Write key=value: rack=a' });
    }
    tags[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return { ...tags };
}

/**
 * `n1,n2/n3` as groups of ids.
 * @throws GrpError CLI_VALUE when there are fewer than two groups, one is empty, or an id appears twice
 */
export function parseGroups(text: string): readonly (readonly string[])[] {
  const groups = text.split('/').map((group) => group.split(',').map((id) => id.trim()));
  const ids = groups.flat();
  const wrong = groups.length < 2 || ids.includes('') || new Set(ids).size < ids.length;
  if (wrong) {
    throw cliError('CLI_VALUE', {
      context: { what: `"${text}" does not divide the nodes.` },
      hint: 'Separate the sides by / and nodes by commas, each node once: n1,n2/n3,n4,n5',
    });
  }
  return groups;
}

/**
 * Where a node's HTTP API is, from a URL or `host:port`.
 * @throws GrpError CLI_VALUE
 */
export function parseNodeUrl(text: string): string {
  if (!/^https?:\/\//.test(text)) {
    parseAddress(text);
    return `http://${text}`;
  }
  try {
    const url = new URL(text);
    if (url.pathname !== '/' || url.search !== '' || url.username !== '' || url.hash !== '') throw new Error('path');
    return url.origin;
  } catch {
    throw cliError('CLI_VALUE', {
      context: { what: `"${text}" is not the URL of a node.` },
      hint: 'Write http://host:port with nothing behind it, or the id of a local node: n3',
    });
  }
}
