import { sanitizeText } from '@grp/core';
import type { Colours } from '../output/colours.ts';

/** `GET /v1/gms/view`. */
export interface ViewDocument {
  readonly group: string;
  readonly delivery: string;
  readonly self: string;
  readonly status: string;
  readonly view: {
    readonly id: number;
    readonly leader: string | null;
    readonly members: readonly { readonly id: string; readonly name: string; readonly address: string }[];
  } | null;
  readonly delivered: { readonly sequence: number; readonly orderHash: string };
}

/** A view for people: one line about the group, one per member. */
export function viewText(document: ViewDocument, colours: Colours): string {
  const { group, delivery, self, status, view, delivered } = document;
  const state = status === 'joined' ? colours.green(status) : colours.yellow(sanitizeText(status));
  const row = `delivered ${delivered.sequence}, order ${sanitizeText(delivered.orderHash)}`;
  const head = `group ${sanitizeText(group)} (${sanitizeText(delivery)}): ${state}, ${row}`;
  if (view === null) return `${head}\nNo view yet.`;
  const members = view.members.map(({ id, address }) => {
    const marks = [id === view.leader ? 'leads' : '', id === self ? 'this node' : ''].filter(Boolean).join(', ');
    return `  ${sanitizeText(id)}  ${sanitizeText(address)}${marks === '' ? '' : `  ${colours.dim(marks)}`}`;
  });
  return [head, `view ${view.id}, ${view.members.length} members:`, ...members].join('\n');
}

/** A delivered message for people. */
export function messageText(event: Readonly<Record<string, unknown>>, colours: Colours): string {
  const { sequence, view, sender, payload, payloadBase64 } = event;
  const content =
    typeof payload === 'string'
      ? sanitizeText(payload, { lengthMax: 4_096 })
      : colours.dim(`base64:${String(payloadBase64)}`);
  return `${String(sequence).padStart(8)}  ${colours.dim(`v${String(view)}`)}  ${sanitizeText(String(sender))}  ${content}`;
}
