import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Address, NodeId } from '@grp/core';
import type { GroupMember } from './api.ts';
import { ControlSchema, type Control, type Ballot as WireBallot } from './gen/grp/gms/v1/gms_pb.ts';
import type { Member as WireMember, Proposal as WireProposal } from './gen/grp/gms/v1/gms_pb.ts';
import { tags } from './frames.ts';
import type { Ballot, ControlBody, ControlMessage, JoinRefusal, Proposal } from './messages.ts';

const controlVersion = 1;
const refusals: readonly JoinRefusal[] = ['not-a-member', 'other-group', 'other-delivery', 'full'];
/** A view of more members than this is no view. */
const placesMax = 4_096;

/** The exact bytes of a control message. */
export function encodeControl(message: ControlMessage): Uint8Array {
  const { lineage, epoch } = message;
  const control = create(ControlSchema, { version: controlVersion, lineage, epoch, body: wireBody(message) });
  const encoded = toBinary(ControlSchema, control);
  const bytes = new Uint8Array(encoded.length + 1);
  bytes[0] = tags.control;
  bytes.set(encoded, 1);
  return bytes;
}

/** Undefined: no control message, or a broken one. */
export function decodeControl(bytes: Uint8Array): ControlMessage | undefined {
  try {
    const control = fromBinary(ControlSchema, bytes.subarray(1));
    if (control.version !== controlVersion) return undefined;
    const body = bodyOfWire(control.body);
    return body === undefined ? undefined : { ...body, lineage: control.lineage, epoch: control.epoch };
  } catch {
    return undefined; // the runtime throws at bytes that are none of its
  }
}

type WireBody = Control['body'];
type WireInit = NonNullable<Parameters<typeof create<typeof ControlSchema>>[1]>['body'];

function wireBody(body: ControlBody): NonNullable<WireInit> {
  switch (body.kind) {
    case 'join': {
      const { member, nextRequest, group, delivery, isForwarded: forwarded } = body;
      return { case: 'join', value: { member, nextRequest, group, delivery: delivery === 'safe' ? 2 : 1, forwarded } };
    }
    case 'join-refused':
      return { case: 'joinRefused', value: { reason: refusals.indexOf(body.reason) + 1 } };
    case 'leave':
      return { case: 'leave', value: { id: body.id, gone: body.isGone } };
    case 'propose': {
      const { ballot, received, current } = body;
      return { case: 'propose', value: { ballot, received, current: wireProposal(current) } };
    }
    case 'promise': {
      const { ballot, received, accepted, isSettled: settled } = body;
      const held = accepted && { acceptedBallot: accepted.ballot, accepted: wireProposal(accepted.proposal) };
      return { case: 'promise', value: { ballot, received, settled, ...held } };
    }
    case 'reject':
      return { case: 'reject', value: { promised: body.promised } };
    case 'sync':
      return { case: 'sync', value: { ballot: body.ballot, proposal: wireProposal(body.proposal) } };
    case 'accepted':
      return { case: 'accepted', value: { ballot: body.ballot } };
    case 'install':
      return { case: 'install', value: { proposal: wireProposal(body.proposal) } };
    case 'need':
      return { case: 'need', value: { received: body.received } };
    case 'resend':
      return { case: 'resend', value: { nextRequest: body.nextRequest } };
    case 'excluded':
      return { case: 'excluded', value: { size: body.size, leader: body.leader } };
    default:
      return wireState(body);
  }
}

function wireState(body: Extract<ControlBody, { kind: `state-${string}` }>): NonNullable<WireInit> {
  const { transfer } = body;
  switch (body.kind) {
    case 'state-request':
      return { case: 'stateRequest', value: { transfer } };
    case 'state-head': {
      const { sequence, requests, hash } = body;
      const value = { transfer, sequence, hashHigh: hash[0] >>> 0, hashLow: hash[1] >>> 0, requests: [...requests] };
      return { case: 'stateHead', value };
    }
    case 'state-chunk':
      return { case: 'stateChunk', value: { transfer, bytes: body.bytes, last: body.isLast } };
    case 'state-credit':
      return { case: 'stateCredit', value: { transfer, bytes: body.bytes } };
    default:
      return { case: 'stateRefused', value: { transfer, reason: body.isFinal ? 2 : 1 } };
  }
}

function wireProposal({ epoch, places, cut }: Proposal) {
  const wirePlaces = places.map(({ id, name, address, nextRequest, isJoiner }) => ({
    member: { id, name, address },
    nextRequest,
    joiner: isJoiner,
  }));
  return { epoch, cut, places: wirePlaces };
}

function bodyOfWire(body: WireBody): ControlBody | undefined {
  switch (body.case) {
    case 'join': {
      const { group, delivery, forwarded: isForwarded } = body.value;
      const member = memberOf(body.value.member);
      const nextRequest = countOf(body.value.nextRequest);
      if (member === undefined || nextRequest === undefined || (delivery !== 1 && delivery !== 2)) return undefined;
      return { kind: 'join', member, nextRequest, group, delivery: delivery === 2 ? 'safe' : 'agreed', isForwarded };
    }
    case 'joinRefused': {
      const reason = refusals[body.value.reason - 1];
      return reason && { kind: 'join-refused', reason };
    }
    case 'leave':
      return { kind: 'leave', id: body.value.id as NodeId, isGone: body.value.gone };
    case 'need':
      return withCount(body.value.received, (received) => ({ kind: 'need', received }));
    case 'resend':
      return withCount(body.value.nextRequest, (nextRequest) => ({ kind: 'resend', nextRequest }));
    case 'excluded':
      return { kind: 'excluded', size: body.value.size, leader: body.value.leader as NodeId };
    default:
      return flushOfWire(body) ?? stateOfWire(body);
  }
}

function flushOfWire(body: WireBody): ControlBody | undefined {
  switch (body.case) {
    case 'propose': {
      const ballot = ballotOf(body.value.ballot);
      const current = proposalOf(body.value.current);
      const received = countOf(body.value.received);
      if (ballot === undefined || current === undefined || received === undefined) return undefined;
      return { kind: 'propose', ballot, received, current };
    }
    case 'promise': {
      const ballot = ballotOf(body.value.ballot);
      const received = countOf(body.value.received);
      const acceptedBallot = ballotOf(body.value.acceptedBallot);
      const proposal = proposalOf(body.value.accepted);
      if (ballot === undefined || received === undefined || (acceptedBallot === undefined) !== (proposal === undefined))
        return undefined;
      const accepted = acceptedBallot && proposal && { ballot: acceptedBallot, proposal };
      return { kind: 'promise', ballot, received, accepted, isSettled: body.value.settled };
    }
    case 'reject': {
      const promised = ballotOf(body.value.promised);
      return promised && { kind: 'reject', promised };
    }
    case 'sync': {
      const ballot = ballotOf(body.value.ballot);
      const proposal = proposalOf(body.value.proposal);
      return ballot && proposal && { kind: 'sync', ballot, proposal };
    }
    case 'accepted': {
      const ballot = ballotOf(body.value.ballot);
      return ballot && { kind: 'accepted', ballot };
    }
    case 'install': {
      const proposal = proposalOf(body.value.proposal);
      return proposal && { kind: 'install', proposal };
    }
    default:
      return undefined;
  }
}

function stateOfWire(body: WireBody): ControlBody | undefined {
  switch (body.case) {
    case 'stateRequest':
      return { kind: 'state-request', transfer: body.value.transfer };
    case 'stateHead': {
      const { transfer, hashHigh, hashLow, requests: wireRequests } = body.value;
      const sequence = countOf(body.value.sequence);
      const requests = wireRequests.map(({ id, next }) => ({ id: id as NodeId, next }));
      if (sequence === undefined || requests.some(({ next }) => countOf(next) === undefined)) return undefined;
      return { kind: 'state-head', transfer, sequence, hash: [hashHigh | 0, hashLow | 0], requests };
    }
    case 'stateChunk':
      return {
        kind: 'state-chunk',
        transfer: body.value.transfer,
        bytes: body.value.bytes,
        isLast: body.value.last,
      };
    case 'stateCredit':
      return withCount(body.value.bytes, (bytes) => ({ kind: 'state-credit', transfer: body.value.transfer, bytes }));
    case 'stateRefused':
      return { kind: 'state-refused', transfer: body.value.transfer, isFinal: body.value.reason === 2 };
    default:
      return undefined;
  }
}

function memberOf(wire: WireMember | undefined): GroupMember | undefined {
  if (wire === undefined) return undefined;
  const { id, name, address } = wire;
  const fits = (text: string): boolean => text.length > 0 && text.length <= 512;
  return fits(id) && fits(name) && fits(address) ? { id: id as NodeId, name, address: address as Address } : undefined;
}

function ballotOf(wire: WireBallot | undefined): Ballot | undefined {
  return wire && { round: wire.round, rank: wire.rank };
}

function proposalOf(wire: WireProposal | undefined): Proposal | undefined {
  if (wire === undefined || wire.places.length > placesMax) return undefined;
  const cut = countOf(wire.cut);
  const places = wire.places.flatMap(({ member: wireMember, nextRequest, joiner: isJoiner }) => {
    const member = memberOf(wireMember);
    return member === undefined || countOf(nextRequest) === undefined ? [] : [{ ...member, nextRequest, isJoiner }];
  });
  if (cut === undefined || places.length !== wire.places.length || wire.epoch === 0) return undefined;
  return { epoch: wire.epoch, places, cut };
}

function withCount(value: number, make: (count: number) => ControlBody): ControlBody | undefined {
  const count = countOf(value);
  return count === undefined ? undefined : make(count);
}

// A whole number that the hand-packed frames can hold, too.
function countOf(value: number): number | undefined {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 48 ? value : undefined;
}
