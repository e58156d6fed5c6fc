import { GrpCommand } from '../../base.ts';
import { argument, text, toggle } from '../../flags.ts';
import { document } from '../../output/json.ts';
import type { ExplainedEvent } from '../../sim/explain.ts';

/** Reads a trace for people. */
export class SimExplain extends GrpCommand {
  static override readonly summary = 'Tell what happened in a trace that sim run wrote, line by line';
  static override readonly description = `Faults, lives and what members said of each other, in virtual time; --packets adds datagrams and streams.`;
  static override readonly examples = [
    { description: 'The story of a run', command: '<%= config.bin %> sim explain day.ndjson' },
    {
      description: 'What one member saw and did',
      command: '<%= config.bin %> sim explain day.ndjson --member n3 --packets',
    },
  ];
  static override readonly args = { trace: argument('file that sim run wrote with --trace') };
  static override readonly flags = {
    member: text('member', 'only what happened at this member', 'NAME'),
    packets: toggle('packets', 'datagrams, streams and disks too'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SimExplain);
    const { explainTrace, eventText } = await import('../../sim/explain.ts');
    const { head, events } = await explainTrace(args.trace, { member: flags.member, packets: flags.packets });
    return this.show(document('grp.sim.explain/1', { run: head, events }), () =>
      events.map((event: ExplainedEvent) => eventText(event)).join('\n'),
    );
  }
}
