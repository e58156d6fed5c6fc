import { pageScript } from './html-script.ts';
import { pageStyle } from './html-style.ts';
import type { LabTrace } from './trace.ts';

export interface HtmlOptions {
  /** Messages and marks in the page at most, the first ones (default 120,000: under 500 KB compressed). */
  readonly eventsMax?: number;
}

/** Times are whole hundredths of a millisecond, each as the difference to the one before: short numbers compress well. */
const unitsPerMs = 100;

/**
 * One page with the whole trace in it: lanes side by side, time downwards, messages as slanted lines, and the same as a
 * table for those who do not see it. It asks no network for anything, and shows names and messages as text alone.
 */
export function htmlPage(trace: LabTrace, { eventsMax = 120_000 }: HtmlOptions = {}): string {
  const title = escaped(trace.title);
  const data = JSON.stringify(columns(trace, eventsMax)).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p id="about"></p>
<div id="controls">
<label>Scale <input id="scale" type="range" min="-6" max="10" step="0.5" value="2"></label>
<label>Find <input id="find" type="search" placeholder="label or process"></label>
<button id="next" type="button">Next</button>
<fieldset id="kinds"><legend>Messages</legend></fieldset>
</div>
</header>
<main>
<div id="scroll" tabindex="0" role="region" aria-label="Space-time diagram; the table below says the same">
<div id="tall"><canvas id="canvas" role="img" aria-label="Lanes of processes with messages between them"></canvas></div>
</div>
<section aria-label="What the diagram shows now">
<table id="twin"><caption>What the diagram shows now</caption>
<thead><tr><th scope="col">ms</th><th scope="col">process</th><th scope="col">what</th></tr></thead><tbody></tbody></table>
</section>
</main>
<script type="application/json" id="data">${data}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

function columns(trace: LabTrace, eventsMax: number) {
  const { title, origin, lanes } = trace;
  const laneOf = new Map(lanes.map((lane, index) => [lane, index]));
  const strings = new StringTable();
  const messages = { at: new Deltas(), took: [] as number[], from: [] as number[], to: [] as number[] };
  const messageLabels = new Labels(strings);
  const kind: number[] = [];
  const marks = { at: new Deltas(), lane: [] as number[], mark: [] as number[] };
  const markLabels = new Labels(strings);
  const events = trace.events.filter(({ type }) => type !== 'arrival');
  const arrivals = new Map<number, number>();
  for (const event of trace.events)
    if (event.type === 'arrival' && !arrivals.has(event.serial)) arrivals.set(event.serial, event.at);
  for (const event of events.slice(0, eventsMax)) {
    if (event.type === 'departure') {
      const arrivedAt = arrivals.get(event.serial);
      messages.took.push(arrivedAt === undefined ? -1 : units(arrivedAt) - units(event.at));
      messages.at.add(units(event.at));
      messages.from.push(laneOf.get(event.lane) ?? -1);
      messages.to.push(laneOf.get(event.to) ?? -1);
      messageLabels.add(event.label);
      kind.push(strings.index(event.kind));
    } else if (event.type === 'mark') {
      marks.at.add(units(event.at));
      marks.lane.push(laneOf.get(event.lane) ?? -1);
      marks.mark.push(strings.index(event.mark));
      markLabels.add(event.label);
    }
  }
  return {
    title,
    origin,
    lanes,
    unitsPerMs,
    omitted: trace.omittedCount + Math.max(0, events.length - eventsMax),
    strings: strings.all,
    messages: { ...messages, ...messageLabels.columns, kind, at: messages.at.values },
    marks: { ...marks, ...markLabels.columns, at: marks.at.values },
  };
}

class StringTable {
  readonly all: string[] = [];
  readonly #known = new Map<string, number>();

  index(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, this.all.length);
    return this.all.push(text) - 1;
  }
}

/** Labels end in numbers that count up, `n3-117`: what comes before is said once, and the number as a difference. */
class Labels {
  readonly columns = { text: [] as number[], number: [] as (number | null)[] };
  readonly #strings: StringTable;
  readonly #last = new Map<number, number>();

  constructor(strings: StringTable) {
    this.#strings = strings;
  }

  add(label: string): void {
    const match = /^(.*?)(0|[1-9]\d{0,9})$/s.exec(label);
    const text = this.#strings.index(match?.[1] ?? label);
    this.columns.text.push(text);
    const number = match === null ? undefined : Number(match[2]);
    this.columns.number.push(number === undefined ? null : number - (this.#last.get(text) ?? 0));
    if (number !== undefined) this.#last.set(text, number);
  }
}

class Deltas {
  readonly values: number[] = [];
  #last = 0;

  add(value: number): void {
    this.values.push(value - this.#last);
    this.#last = value;
  }
}

function units(ms: number): number {
  return Math.round(ms * unitsPerMs);
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
