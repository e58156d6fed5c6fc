import type { OrderingView } from './api.ts';
import { orderingError } from './errors.ts';
import { membersMax } from './wire/kinds.ts';

/** @throws GrpError ORDERING_VIEW_INVALID */
export function checkView({ number, members }: OrderingView): void {
  const reason = ((): string | undefined => {
    if (!Number.isSafeInteger(number) || number < 1) return 'the number is no whole number from 1';
    if (members.length === 0 || members.length > membersMax) return `it has ${members.length} members`;
    if (new Set(members.map(({ id }) => id)).size < members.length) return 'a member is listed twice';
    if (new Set(members.map(({ address }) => address)).size < members.length) return 'two members have one address';
    return undefined;
  })();
  if (reason !== undefined) throw orderingError('ORDERING_VIEW_INVALID', { context: { number, reason } });
}
