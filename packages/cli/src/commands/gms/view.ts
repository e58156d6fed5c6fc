import { sanitizeText } from '@grp/core';
import { GrpCommand } from '../../base.ts';
import { toggle } from '../../flags.ts';
import { viewText, type ViewDocument } from '../../gms/views.ts';
import { watchLive } from '../../output/live.ts';

/** Shows the group as one node sees it. */
export class GmsView extends GrpCommand {
  static override readonly summary = 'Show the view of the group: its members in join order, and who leads';
  static override readonly description = `The first member leads. delivered says how far this node is: equal order hashes at one sequence mean equal histories.
With --watch it is redrawn as it changes; without a terminal, or under --json, each change is one line of JSON.`;
  static override readonly examples = [
    { description: 'As the first local node sees it', command: '<%= config.bin %> gms view' },
    { description: 'As the third sees it, for a script', command: '<%= config.bin %> gms view --node n3 --json' },
  ];
  static override readonly flags = { watch: toggle('watch', 'go on until Ctrl-C') };

  override async run(): Promise<object | undefined> {
    const { flags } = await this.parse(GmsView);
    const client = await this.client(flags);
    const { colours } = this;
    const fetch = async (): Promise<ViewDocument> => client.get<ViewDocument>('/v1/gms/view');
    if (!flags.watch) {
      const view = await fetch();
      return this.show(view, () => viewText(view, colours));
    }
    const interruption = this.armSignals();
    try {
      await watchLive({
        signal: interruption.signal,
        intervalMs: 500,
        terminal: process.stdout.isTTY && !this.jsonEnabled(),
        fetch,
        draw: (view) => viewText(view, colours),
        drawError: (error) => colours.red(`${client.url}: ${sanitizeText((error as Error).message)}`),
        write: (view) => this.emit(view),
        key: ({ view, status }) => JSON.stringify({ view, status }),
      });
    } finally {
      interruption.disarm();
    }
    return undefined;
  }
}
