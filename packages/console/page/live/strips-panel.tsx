import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
// oxlint-disable-next-line import/no-unassigned-import -- a style sheet has nothing to assign
import 'uplot/dist/uPlot.min.css';
import type { Strip } from '../../src/live/strips.ts';
import { bytesText, countText } from '../../src/words.ts';
import type { Theme } from '../theme.ts';
import type { LiveStore } from './store.ts';

const inks = ['--blue', '--amber', '--green', '--pink', '--teal', '--violet', '--red', '--grey', '--faint'];
const dashes: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
// One cursor for all strips: what was the rest doing then?
const sync = uPlot.sync('strips');

/** Figures of the cluster over time, one strip each, under one cursor. */
export function StripsPanel({ store, theme }: { readonly store: LiveStore; readonly theme: Theme }): JSX.Element {
  void store.stripVersion.value;
  const strips = store.strips.strips().filter(({ times }) => times.length >= 2);
  return (
    <section class="panel" aria-labelledby="strips-title">
      <header>
        <h2 id="strips-title">Over time</h2>
        <span class="note">the last five minutes, as long as this page is open</span>
      </header>
      {strips.length === 0 && <p class="empty">Measuring.</p>}
      <div class="strips">
        {strips.map((strip) => (
          <StripPlot key={strip.id} strip={strip} theme={theme} />
        ))}
      </div>
    </section>
  );
}

function StripPlot({ strip, theme }: { readonly strip: Strip; readonly theme: Theme }): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const shape = useRef('');
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const data: uPlot.AlignedData = [[...strip.times], ...strip.lines.map(({ values }) => [...values])];
    const wanted = `${theme} ${strip.lines.map(({ name }) => name).join()} ${element.clientWidth}`;
    if (plot.current !== undefined && wanted === shape.current) {
      plot.current.setData(data);
    } else {
      plot.current?.destroy();
      shape.current = wanted;
      plot.current = new uPlot(plotOptions(strip, element), data, element);
    }
    // Without a pointer over it the legend says what is now.
    if (plot.current.cursor.idx === undefined || plot.current.cursor.idx === null)
      plot.current.setLegend({ idx: strip.times.length - 1 }, false);
  });
  useEffect(() => () => plot.current?.destroy(), []);
  return (
    <figure class="strip" data-strip={strip.id}>
      <figcaption>
        {strip.title} <span class="faint">{strip.unit}</span>
      </figcaption>
      <div class="plot" ref={frame} aria-hidden="true" />
      <table class="sr">
        <caption>{strip.title}, now</caption>
        <tbody>
          {strip.lines.map(({ name, values }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{valueText(strip, values.at(-1) ?? null)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

/** `19:02:31`, of seconds since 1970. */
function clockText(seconds: number): string {
  const date = new Date(seconds * 1_000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

function valueText({ unit }: Pick<Strip, 'unit'>, value: number | null): string {
  if (value === null) return '–';
  if (unit === 'bytes per second') return `${bytesText(value)}/s`;
  if (unit === 'per second') return `${value < 10 ? Math.round(value * 10) / 10 : countText(value)}/s`;
  return countText(value);
}

function plotOptions(strip: Strip, element: HTMLElement): uPlot.Options {
  const styles = getComputedStyle(document.documentElement);
  const ink = (name: string): string => styles.getPropertyValue(name).trim();
  const axis = {
    stroke: ink('--faint'),
    grid: { stroke: ink('--line'), width: 1 },
    ticks: { stroke: ink('--line'), width: 1 },
    font: '11px ui-sans-serif, system-ui, sans-serif',
  };
  const isWhole = strip.unit === 'files' || strip.unit === 'log index';
  return {
    width: element.clientWidth,
    height: 132,
    cursor: { y: false, sync: { key: sync.key } },
    // A figure that stands still lies on the ground, not in the middle of nowhere.
    scales: {
      y: {
        range: (_plot, min, max) =>
          strip.unit === 'log index'
            ? [Math.max(0, min - 1), Math.max(min, max) + 1]
            : [0, Math.max(1, (max || 0) * 1.1)],
      },
    },
    axes: [
      { ...axis, space: 72, values: (_plot, values) => values.map(clockText) },
      {
        ...axis,
        size: 62,
        ...(isWhole && {
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000],
        }),
        values: (_plot, values) => values.map((value) => valueText(strip, value)),
      },
    ],
    series: [
      { label: 'time', value: (_plot, value: number | null) => (value === null ? '–' : clockText(value)) },
      ...strip.lines.map(({ name }, index) => ({
        label: name,
        stroke: ink(inks[index % inks.length] as string),
        width: 1.6,
        dash: [...(dashes[index % dashes.length] as readonly number[])],
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => valueText(strip, value),
      })),
    ],
  };
}
