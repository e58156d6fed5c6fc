import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
// oxlint-disable-next-line import/no-unassigned-import -- a style sheet has nothing to assign
import 'uplot/dist/uPlot.min.css';
import type { TrafficSeries } from '../../src/live/traffic.ts';
import { bytesText } from '../../src/words.ts';
import type { Theme } from '../theme.ts';
import type { LiveStore } from './store.ts';

const inks = ['--blue', '--amber', '--green', '--pink', '--teal', '--violet', '--red', '--grey', '--faint'];
const dashes: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

/** Bytes per second by kind of message, of all nodes together. */
export function TrafficPanel({ store, theme }: { readonly store: LiveStore; readonly theme: Theme }): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const shape = useRef('');
  const series = ((): TrafficSeries => {
    void store.trafficVersion.value;
    return store.traffic.series();
  })();
  useEffect(() => {
    const element = frame.current;
    if (element === null || series.times.length < 2) return;
    const data: uPlot.AlignedData = [[...series.times], ...series.kinds.map(({ rates }) => [...rates])];
    const wanted = `${theme} ${series.kinds.map(({ type }) => type).join()} ${element.clientWidth}`;
    if (plot.current !== undefined && wanted === shape.current) {
      plot.current.setData(data);
      return;
    }
    plot.current?.destroy();
    shape.current = wanted;
    plot.current = new uPlot(plotOptions(series, element), data, element);
  });
  useEffect(() => () => plot.current?.destroy(), []);
  return (
    <section class="panel" aria-labelledby="traffic-title">
      <header>
        <h2 id="traffic-title">Traffic of the membership</h2>
        <span class="note">bytes per second by message type, all nodes</span>
      </header>
      <div class="plot" ref={frame} aria-hidden="true" />
      {series.times.length < 2 && <p class="empty">Measuring.</p>}
      <table class="sr">
        <caption>Traffic now</caption>
        <tbody>
          {series.kinds.map(({ type, rates }) => (
            <tr key={type}>
              <th scope="row">{type}</th>
              <td>{bytesText(rates.at(-1) ?? 0)} per second</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function plotOptions({ kinds }: TrafficSeries, element: HTMLElement): uPlot.Options {
  const styles = getComputedStyle(document.documentElement);
  const ink = (name: string): string => styles.getPropertyValue(name).trim();
  const axis = {
    stroke: ink('--faint'),
    grid: { stroke: ink('--line'), width: 1 },
    ticks: { stroke: ink('--line'), width: 1 },
    font: '11px ui-sans-serif, system-ui, sans-serif',
  };
  return {
    width: element.clientWidth,
    height: 190,
    cursor: { y: false },
    axes: [axis, { ...axis, size: 62, values: (_plot, values) => values.map((value) => `${bytesText(value)}/s`) }],
    series: [
      { label: 'time' },
      ...kinds.map(({ type }, index) => ({
        label: type,
        stroke: ink(inks[index % inks.length] as string),
        width: 1.6,
        dash: [...(dashes[index % dashes.length] as readonly number[])],
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => (value === null ? '–' : `${bytesText(value)}/s`),
      })),
    ],
  };
}
