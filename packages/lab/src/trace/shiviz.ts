import type { SpaceTimeEvent } from '../spacetime/events.ts';
import { vectorClocks } from './clocks.ts';
import type { LabTrace } from './trace.ts';

/** ShiViz's own default, said all the same: what comes first in a file is what it is read with. */
const format = '(?<event>.*)\\n(?<host>\\S*) (?<clock>{.*})';

/**
 * A log for ShiViz (Beschastnikh et al. 2016): its pattern, an empty line for "one execution", then two lines for each
 * event: what happened, and the process with its vector clock. What happened to no process in particular is left out.
 */
export function shivizLog({ events }: LabTrace): string {
  const labels = new Map<number, string>();
  for (const event of events) if (event.type === 'departure') labels.set(event.serial, event.label);
  const lines = [format, ''];
  for (const { event, clock } of vectorClocks(events)) {
    const named = Object.fromEntries(Object.entries(clock).map(([lane, count]) => [host(lane), count]));
    lines.push(oneLine(textOf(event, labels)), `${host(event.lane)} ${JSON.stringify(named)}`);
  }
  return `${lines.join('\n')}\n`;
}

function textOf(event: SpaceTimeEvent, labels: ReadonlyMap<number, string>): string {
  const at = `${event.at.toFixed(1)} ms`;
  if (event.type === 'departure') return `sends ${event.label} to ${event.to} (${at})`;
  if (event.type === 'arrival') return `receives ${labels.get(event.serial) ?? '?'} from ${event.from} (${at})`;
  return `${event.mark} ${event.label} (${at})`;
}

/** A process without a blank, which would end its name. */
function host(lane: string): string {
  return lane.replaceAll(/\s+/g, '_');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
