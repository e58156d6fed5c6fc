import { Args } from '@oclif/core';
import { sanitizeText } from '@grp/core';
import { GrpCommand } from '../../base.ts';
import { document } from '../../output/json.ts';

interface JoinDocument {
  readonly contacted: readonly string[];
  readonly failed: readonly { readonly seed: string; readonly code: string; readonly message: string }[];
}

/** Lets a running node join. */
export class SwimJoin extends GrpCommand {
  static override readonly summary = 'Let a running node join others, or merge two clusters';
  static override readonly description =
    'The node exchanges lists with each seed; one that answers is enough. Exit code 5 when none does.';
  static override readonly examples = [
    { description: 'Join through one seed', command: '<%= config.bin %> swim join 10.0.0.1:7946' },
    {
      description: 'Through the first of several that answers',
      command: '<%= config.bin %> swim join 10.0.0.1:7946 10.0.0.2:7946 --timeout 10s',
    },
  ];
  static override readonly args = {
    seed: Args.string({
      description: 'address or DNS name of a member: host:port',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SwimJoin);
    const client = await this.client(flags);
    const timeoutMs = flags.timeout ?? 10_000;
    const seeds = [args.seed].flat();
    // The node itself gives up after `timeoutMs`: wait a little longer, to hear why.
    const answer = await client.post<JoinDocument>('/v1/swim/join', { seeds, timeoutMs }, timeoutMs + 2_000);
    return this.show(document('grp.swim.join/1', answer), () => {
      const failed = answer.failed.map(
        ({ seed, message }) => `${sanitizeText(seed)} did not answer: ${sanitizeText(message)}`,
      );
      return [`Joined through ${answer.contacted.map((address) => sanitizeText(address)).join(', ')}.`, ...failed].join(
        '\n',
      );
    });
  }
}
