import type { JSX } from 'preact';
import { healthOf, type Finding } from '../../src/live/health.ts';
import type { ClusterModel } from '../../src/live/model.ts';
import { bytesText, countText } from '../../src/words.ts';
import { Verdict } from '../icons.tsx';

/** How the cluster is, in sentences, and the figures one looks for first. */
export function Summary({ model, rate }: { readonly model: ClusterModel; readonly rate: number }): JSX.Element {
  const findings = healthOf(model);
  const worst = findings.some(({ level }) => level === 'trouble') ? 'trouble' : (findings[0] as Finding).level;
  return (
    <section class="health" data-level={worst} aria-label="Health">
      <ul aria-live="polite">
        {findings.slice(0, 4).map(({ level, sentence }) => (
          <li key={sentence}>
            <Verdict kind={level === 'well' ? 'well' : level === 'trouble' ? 'broken' : 'ahead'} />
            <span>{sentence}</span>
          </li>
        ))}
      </ul>
      <dl class="figures">
        {figures(model, rate).map(([name, value]) => (
          <div key={name}>
            <dd>{value}</dd>
            <dt>{name}</dt>
          </div>
        ))}
      </dl>
    </section>
  );
}

function figures({ rows, raft }: ClusterModel, rate: number): readonly (readonly [string, string])[] {
  const living = rows.filter(({ state }) => state === 'alive').length;
  const parts = rows.flatMap(({ group }) => group ?? []);
  const view = Math.max(...parts.map(({ view: id }) => id ?? 0));
  const sequence = Math.max(...parts.map((part) => part.sequence));
  const leader = parts.find((part) => part.view === view)?.leader;
  return [
    ['members alive', `${living}/${rows.length}`],
    ...(parts.length === 0
      ? []
      : ([
          [`view, led by ${leader ?? 'nobody'}`, String(view)],
          ['messages delivered', countText(sequence)],
        ] as const)),
    ...raft
      .slice(0, 2)
      .map(({ name, term, leader: leads }) => [`term, ${name} led by ${leads ?? 'nobody'}`, String(term)] as const),
    ['sent by all', `${bytesText(rate)}/s`],
  ];
}
