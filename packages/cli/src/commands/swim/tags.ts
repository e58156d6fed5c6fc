import { GrpCommand } from '../../base.ts';
import { list } from '../../flags.ts';
import { parseTags } from '../../values.ts';
import { tagsText } from '../../output/views.ts';
import { sanitizeText } from '@grp/core';

interface TagsDocument {
  readonly tags: Readonly<Record<string, string>>;
}

/** Shows or changes a member's tags. */
export class SwimTags extends GrpCommand {
  static override readonly summary = 'Show or change the tags of one member';
  static override readonly description = 'A change reaches every list by itself; all tags together may take 512 bytes.';
  static override readonly examples = [
    { description: 'Show them', command: '<%= config.bin %> swim tags' },
    { description: 'Set two and drop one', command: '<%= config.bin %> swim tags --set rack=a,zone=west --delete old' },
  ];
  static override readonly flags = {
    set: list('set', 'tags to set, with commas between', 'KEY=VALUE'),
    delete: list('delete', 'tags to drop, with commas between', 'KEY'),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(SwimTags);
    const client = await this.client(flags);
    const change = { set: parseTags(flags.set ?? []), delete: flags.delete ?? [] };
    const unchanged = flags.set === undefined && flags.delete === undefined;
    const answer = unchanged
      ? await client.get<TagsDocument>('/v1/swim/tags')
      : await client.post<TagsDocument>('/v1/swim/tags', change);
    return this.show(answer, () => sanitizeText(tagsText(answer.tags)) || 'no tags');
  }
}
