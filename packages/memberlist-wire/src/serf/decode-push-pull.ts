import { defineFields, type Reader } from '../msgpack/reader.ts';
import type { SerfEvents, SerfMessage } from './messages.ts';
import { namesMax, readTexts } from './texts.ts';

const timeMax = Number.MAX_SAFE_INTEGER;
/** Slots, and events in all of them: agents keep 512 slots. An event can be one byte on the wire, never in memory. */
const eventsMax = 65_536;

const stateFields = defineFields('EventLTime', 'Events', 'LTime', 'LeftMembers', 'QueryLTime', 'StatusLTimes');
const slotFields = defineFields('Events', 'LTime');
const eventFields = defineFields('Name', 'Payload');

export function readPushPull(reader: Reader): Extract<SerfMessage, { type: 'push-pull' }> {
  let [time, eventTime, queryTime] = [0, 0, 0];
  let statusTimes = new Map<string, number>();
  let leftMembers: string[] = [];
  let events: SerfEvents[] = [];
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(stateFields)) {
      case 'EventLTime':
        eventTime = reader.uint(timeMax);
        break;
      case 'Events':
        events = readSlots(reader);
        break;
      case 'LTime':
        time = reader.uint(timeMax);
        break;
      case 'LeftMembers':
        leftMembers = readTexts(reader);
        break;
      case 'QueryLTime':
        queryTime = reader.uint(timeMax);
        break;
      case 'StatusLTimes':
        statusTimes = readTimes(reader);
    }
  }
  return { type: 'push-pull', time, statusTimes, leftMembers, eventTime, events, queryTime };
}

function readTimes(reader: Reader): Map<string, number> {
  const count = reader.map();
  if (count > namesMax) reader.fail('too-long');
  const times = new Map<string, number>();
  for (let index = 0; index < count && reader.problem === undefined; index++) {
    const name = reader.text();
    times.set(name, reader.uint(timeMax));
  }
  return times;
}

// A slot without events says nothing, be it nil or empty.
function readSlots(reader: Reader): SerfEvents[] {
  const count = reader.array();
  if (count > eventsMax) reader.fail('too-long');
  const slots: SerfEvents[] = [];
  let eventsLeft = eventsMax;
  for (let index = 0; index < count && reader.problem === undefined; index++) {
    const slot = readSlot(reader, eventsLeft);
    eventsLeft -= slot.events.length;
    if (slot.events.length > 0) slots.push(slot);
  }
  return slots;
}

function readSlot(reader: Reader, eventsMax: number): SerfEvents {
  let time = 0;
  let events: SerfEvents['events'] = [];
  for (let left = reader.map(); left > 0; left--) {
    const name = reader.key(slotFields);
    if (name === 'LTime') time = reader.uint(timeMax);
    else if (name === 'Events') events = readEvents(reader, eventsMax);
  }
  return { time, events };
}

function readEvents(reader: Reader, eventsMax: number): SerfEvents['events'] {
  const count = reader.array();
  if (count > eventsMax) reader.fail('too-long');
  const events: { readonly name: string; readonly payload: Uint8Array }[] = [];
  for (let index = 0; index < count && reader.problem === undefined; index++) {
    let name = '';
    let payload: Uint8Array = nothing;
    for (let left = reader.map(); left > 0; left--) {
      const field = reader.key(eventFields);
      if (field === 'Name') name = reader.text();
      else if (field === 'Payload') payload = reader.copy();
    }
    events.push({ name, payload });
  }
  return events;
}

const nothing = new Uint8Array(0);
