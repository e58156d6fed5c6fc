import { fileError } from './errors.ts';

/** A range as HTTP writes it, `bytes=…`, from `0-99`, `100-` or `-100`. @throws GrpError DFS_RANGE */
export function parseRange(text: string): string {
  const match = /^(\d{0,15})-(\d{0,15})$/.exec(text.trim());
  const [, first = '', last = ''] = match ?? [];
  const isWrong = match === null || (first === '' && last === '') || (first !== '' && last !== '' && +last < +first);
  if (isWrong) throw fileError('DFS_RANGE', { context: { text: text.slice(0, 60) } });
  return `bytes=${first}-${last}`;
}
