import { CommandHelp, Help } from '@oclif/core';
import { exitCodesOf } from './exit-codes.ts';
import { helpTopics, rowsText } from './help-topics.ts';

const start: readonly (readonly [string, string])[] = [
  ['grp demo', 'see it work: leaders, servers and peers die, and nothing is lost (a minute)'],
  ['grp cluster up -n 5', 'run five nodes on this machine; Ctrl-C stops them'],
  ['grp swim members --watch', 'who is in the cluster, redrawn as it changes'],
  ['grp console', 'the same cluster in the browser'],
  ['grp lab open gms2-crash', 'a lesson in the browser: what a crash does, message by message'],
  ['grp node start --join HOST:PORT', 'one node of a cluster across hosts'],
  ['grp doctor', 'find out why it does not work here'],
];

const globals: readonly (readonly [string, string])[] = [
  ['--json', 'JSON on stdout: one document, or one per line for streams'],
  ['--node URL', 'the node to ask (GRP_NODE); else the local cluster, else http://127.0.0.1:7953'],
  ['--dir DIR', 'folder of the local cluster (GRP_DIR; .grp)'],
  ['--config FILE', 'values for flags, in YAML or JSON'],
  ['--timeout TIME', 'how long to wait: 500ms, 5s, 2m'],
  ['--no-color', 'no colours'],
];

/** A command's page: the usage line names its own flags, and the global ones once. */
class GrpCommandHelp extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const codes = exitCodesOf(this.command.id);
    const sections = super.sections();
    if (codes === undefined) return sections;
    return [...sections, { header: 'EXIT CODES', generate: () => rowsText(codes).replaceAll(/^ {2}/gm, '') }];
  }

  /** Without the summary, which is the title of the page. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(description);
  }

  protected override defaultUsage(): string {
    const { flags } = this.command;
    this.command.flags = Object.fromEntries(
      Object.entries(flags).filter(([, { helpGroup }]) => helpGroup !== 'GLOBAL'),
    );
    try {
      return `${super.defaultUsage()} [GLOBAL FLAGS]`;
    } finally {
      this.command.flags = flags;
    }
  }
}

/** The root page for somebody who has never seen grp, and topics that are no commands. */
export class GrpHelp extends Help {
  protected override CommandHelpClass: typeof CommandHelp = GrpCommandHelp;

  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => !word.startsWith('-') && word !== 'help');
    const topic =
      words.length === 1 && Object.hasOwn(helpTopics, words[0] as string) ? helpTopics[words[0] as string] : undefined;
    if (topic === undefined) {
      await super.showHelp(argv);
      return;
    }
    const closing = topic.closing === undefined ? '' : `\n\n${topic.closing}`;
    this.log(`${topic.title}\n${rowsText(topic.rows)}${closing}`);
  }

  protected override async showRootHelp(): Promise<void> {
    const { bin, version } = this.config;
    const sections = [
      `${bin} ${version}: group communication for Node.js. Membership and failure detection, multicast in one order,\nmessengers, a chat by consensus, a replicated file store; to run, to break on purpose, and to look at.`,
      `USAGE\n  $ ${bin} NOUN VERB [ARGUMENTS] [FLAGS]`,
      `START HERE\n${rowsText(start)}`,
      `COMMANDS\n${this.#commandList()}`,
      `FLAGS OF EVERY COMMAND\n${rowsText(globals)}`,
      `MORE\n  $ ${bin} NOUN --help, ${bin} NOUN VERB --help   what it does, its flags, and examples that run\n  $ ${bin} help ${Object.keys(helpTopics).join(' | ')}`,
    ];
    this.log(sections.join('\n\n'));
  }

  /** One line for each topic with its verbs, then one for each command without a topic. */
  #commandList(): string {
    const own = this.sortedCommands.filter(({ pluginName }) => pluginName === this.config.name);
    const topics = this.sortedTopics.filter(({ name }) => own.some(({ id }) => id.startsWith(`${name}:`)));
    const rows: (readonly [string, string])[] = [];
    for (const { name, description } of topics) {
      const verbs = own.filter(({ id }) => id.startsWith(`${name}:`)).map(({ id }) => id.slice(name.length + 1));
      rows.push([name, `${description ?? ''}:`], ['', verbs.join(' ')]);
    }
    for (const { id, summary } of own) if (!id.includes(':')) rows.push([id, summary ?? '']);
    return rowsText(rows);
  }
}
