import { sanitizeText } from '@grp/core';
import { GrpCommand } from '../../base.ts';
import { argument, list, optionalArgument } from '../../flags.ts';
import { parseTags } from '../../values.ts';

interface QueryDocument {
  readonly acknowledgements: readonly string[];
  readonly responses: readonly { readonly from: string; readonly payload?: string; readonly payloadBase64?: string }[];
}

/** Asks members and collects answers. */
export class SwimQuery extends GrpCommand {
  static override readonly summary = 'Ask the members a question and collect their answers';
  static override readonly description =
    'Answers are taken until the deadline, --timeout (5s). Members acknowledge even when nothing in them answers.';
  static override readonly examples = [
    { description: 'Everybody', command: '<%= config.bin %> swim query load' },
    { description: 'Two members, by name', command: '<%= config.bin %> swim query ping --member n1,n2 --timeout 2s' },
    {
      description: 'Members with a tag, for a script',
      command: '<%= config.bin %> swim query load --where rack=a --json',
    },
  ];
  static override readonly args = {
    name: argument('name of the query'),
    payload: optionalArgument('text to send with it'),
  };
  static override readonly flags = {
    member: list('member', 'only these members, with commas between', 'NAME'),
    where: list('where', 'only members with these tags; values are patterns', 'KEY=VALUE'),
  };

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SwimQuery);
    const client = await this.client(flags);
    const timeoutMs = flags.timeout ?? 5_000;
    const body = {
      name: args.name,
      payload: args.payload ?? '',
      timeoutMs,
      ...(flags.member === undefined ? {} : { names: flags.member }),
      ...(flags.where === undefined ? {} : { tags: parseTags(flags.where) }),
    };
    const answer = await client.post<QueryDocument>('/v1/swim/query', body, timeoutMs + 5_000);
    return this.show(answer, () => {
      const lines = answer.responses.map(
        ({ from, payload, payloadBase64 }) => `${sanitizeText(from)}: ${sanitizeText(payload ?? payloadBase64 ?? '')}`,
      );
      return [...lines, `${answer.acknowledgements.length} members saw it, ${answer.responses.length} answered.`].join(
        '\n',
      );
    });
  }
}
