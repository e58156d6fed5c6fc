import type { Delivery, Group, GroupMember, View, Worker } from '@grp/gms';
import { asDocument, payloadFields } from './documents.ts';
import { jsonLines } from './event-client.ts';
import type { HubStyle, NodeEventBody } from './event-hub.ts';

/** What `/v1/gms/…` tells of one member of a group. */
export interface GroupFacts {
  readonly group: Group;
  readonly name: string;
  readonly delivery: string;
  readonly worker: Worker;
}

/** `/v1/gms/view`: the view in force, who leads, and how far this member is. */
export function viewDocument({ group, name, delivery }: GroupFacts) {
  const { view, self, status, delivered } = group;
  return asDocument('gms.view', {
    group: name,
    delivery,
    self: self.id,
    status,
    view: view === undefined ? null : viewFields(view),
    delivered,
  });
}

/** `/v1/gms/workers`: this node's worker of the wall of colours. */
export function workerDocument({ group, worker }: GroupFacts) {
  const { view, self, status, delivered } = group;
  return asDocument('gms.workers', {
    self: self.id,
    name: self.name,
    status,
    view: view?.id ?? null,
    leads: view?.members[0]?.id === self.id,
    colour: worker.hex,
    delivered,
  });
}

/** `/v1/gms/tail`: one line per message; `type: "dropped"` says how many were too fast for the reader. */
export const tailLines: HubStyle = {
  format: jsonLines,
  encode({ type, count, sequence, view, sender, payload, payloadBase64 }) {
    if (type === 'dropped') return JSON.stringify(asDocument('gms.tail', { type, count }));
    return JSON.stringify(asDocument('gms.tail', { sequence, view, sender, payload, payloadBase64 }));
  },
};

/** A delivered message on the event stream; the line of `gms tail`. */
export function messageBody({ sequence, view, sender, payload }: Delivery, colour: string): NodeEventBody {
  return { noun: 'gms', type: 'message', sequence, view, sender, ...payloadFields(payload), colour };
}

export function viewBody(view: View, joined: readonly GroupMember[], gone: readonly GroupMember[]): NodeEventBody {
  return {
    noun: 'gms',
    type: 'view',
    view: viewFields(view),
    joined: joined.map(({ id }) => id),
    gone: gone.map(({ id }) => id),
  };
}

function viewFields({ id, members }: View) {
  return {
    id,
    leader: members[0]?.id ?? null,
    members: members.map((member) => ({ id: member.id, name: member.name, address: member.address })),
  };
}
