import type { BandwidthReport } from '@grp/core';
import type { Member, Swim, SwimEvent } from '@grp/swim';
import { asDocument, isoTime, payloadFields } from './documents.ts';
import type { NodeEventBody } from './event-hub.ts';

/** A member as events and lists show it. */
function memberFields({ id, name, address, status, incarnation, tags }: Member) {
  return { id, name, address, status, incarnation, tags };
}

/** `grp.swim.members/1` */
export function membersDocument(swim: Swim) {
  return asDocument('swim.members', {
    self: swim.self.id,
    members: swim.members().map((member) => ({
      ...memberFields(member),
      rttMs: member.rttMs ?? null,
      changedAt: isoTime(member.changedAt),
      startedAt: isoTime(member.startedAt),
    })),
  });
}

/** `grp.swim.bandwidth/1`; a peer that is a member has its name beside the address. */
export function bandwidthDocument(swim: Swim) {
  const report: BandwidthReport = swim.bandwidth();
  const names = new Map<string, string>(swim.members().map(({ address, name }) => [address, name]));
  return asDocument('swim.bandwidth', {
    ...report,
    since: isoTime(report.since),
    peers: report.peers.map((peer) => {
      const name = names.get(peer.address);
      return name === undefined ? peer : { name, ...peer };
    }),
  });
}

/** `grp.swim.rtt/1` */
export function rttDocument(swim: Swim) {
  return asDocument('swim.rtt', {
    members: swim.rtt().map(({ name, measuredMs, estimatedMs }) => ({
      name,
      measuredMs: measuredMs ?? null,
      estimatedMs: estimatedMs ?? null,
    })),
  });
}

/** The body of an event for the stream, without `schema` and `at`. */
export function swimEventBody(event: SwimEvent): NodeEventBody {
  const noun = 'swim';
  switch (event.type) {
    case 'join':
    case 'alive':
    case 'suspect':
    case 'down':
    case 'leave':
    case 'update':
    case 'forget':
      return { noun, type: event.type, member: memberFields(event.member) };
    case 'user-event': {
      const { type, name, payload, time, coalesce } = event;
      return { noun, type, name, ...payloadFields(payload), time, coalesce };
    }
    case 'query':
      return { noun, type: event.type, name: event.name, ...payloadFields(event.payload), from: event.from };
    case 'conflict':
      return { noun, type: event.type, name: event.name, address: event.address };
    case 'fault':
      break;
  }
  return { noun, type: event.type, code: event.code, message: event.message };
}
