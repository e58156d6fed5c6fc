import { sanitizeText } from '@grp/core';
import { Flags } from '@oclif/core';
import { GrpCommand, type GlobalFlags } from '../../base.ts';
import type { MembersDocument } from '../../client/documents.ts';
import { duration, list, toggle } from '../../flags.ts';
import { envName } from '../../given.ts';
import { watchLive } from '../../output/live.ts';
import { tableWidth } from '../../output/table.ts';
import { membersText } from '../../output/views.ts';
import { parseTags } from '../../values.ts';

/** Shows the member list of one node. */
export class SwimMembers extends GrpCommand {
  static override readonly summary = 'Show the members as one node sees them';
  static override readonly description = `Every node has its own list; --node says whose. Status is alive, suspect, down (judged) or left (said so).
With --watch the list is redrawn as it changes; without a terminal, or under --json, each change is one line of JSON.`;
  static override readonly examples = [
    { description: 'The list of the first local node', command: '<%= config.bin %> swim members' },
    { description: 'Redrawn as it changes', command: '<%= config.bin %> swim members --watch' },
    {
      description: 'The failed ones as the third node sees them',
      command: '<%= config.bin %> swim members --node n3 --status down --json',
    },
  ];
  static override readonly flags = {
    watch: toggle('watch', 'go on until Ctrl-C'),
    interval: duration('interval', 'how often --watch looks (500ms unless given)'),
    status: Flags.option({
      options: ['alive', 'suspect', 'down', 'left'] as const,
      description: 'only members with this status',
      env: envName('status'),
    })(),
    where: list('where', 'only members with these tags', 'KEY=VALUE'),
  };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(SwimMembers);
    const client = await this.client(flags);
    const wanted = parseTags(flags.where ?? []);
    const fetch = async (): Promise<MembersDocument> => {
      const list = await client.get<MembersDocument>('/v1/swim/members');
      const members = list.members.filter(
        ({ status, tags }) =>
          (flags.status === undefined || status === flags.status) &&
          Object.entries(wanted).every(([key, value]) => tags[key] === value),
      );
      return { ...list, members };
    };
    if (flags.watch) {
      await this.#watch(flags, fetch, client.url);
      return undefined;
    }
    const list = await fetch();
    return this.show(list, () => membersText(list, { colours: this.colours, width: tableWidth(process.stdout) }));
  }

  async #watch(
    flags: GlobalFlags & { readonly interval?: number | undefined },
    fetch: () => Promise<MembersDocument>,
    url: string,
  ): Promise<void> {
    const { colours } = this;
    const interruption = this.armSignals();
    try {
      await watchLive({
        signal: interruption.signal,
        intervalMs: Math.max(250, flags.interval ?? 500),
        terminal: process.stdout.isTTY && !this.jsonEnabled(),
        fetch,
        draw: (list) => membersText(list, { colours, width: tableWidth(process.stdout) }),
        drawError: (error) => colours.red(`${url}: ${sanitizeText((error as Error).message)}`),
        write: (list) => this.emit(list),
        // Round trips change all the time: they are no news.
        key: (list) => JSON.stringify(list.members.map((member) => ({ ...member, rttMs: null }))),
      });
    } finally {
      interruption.disarm();
    }
  }
}
