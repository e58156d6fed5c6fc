import { Command, type Interfaces } from '@oclif/core';
import { readConfigFile, type ProtocolSettings } from './config-file.ts';
import { NodeClient } from './client/http-client.ts';
import { resolveNode } from './client/resolve-node.ts';
import { globalFlags } from './flags.ts';
import { completeArgv, givenFlags, wantsJson, envName } from './given.ts';
import { coloursFor, type Colours } from './output/colours.ts';
import { jsonText } from './output/json.ts';
import { armSignals, type Interruption } from './signals.ts';

type FlagOutput = Interfaces.OutputFlags<Interfaces.FlagInput>;
type ArgOutput = Interfaces.OutputArgs<Interfaces.ArgInput>;
/** The global flags of a parsed command line. */
export type GlobalFlags = Interfaces.InferredFlags<typeof globalFlags>;

/**
 * What all commands share: the global flags, the order flags > `GRP_*` > config file > default, JSON or text, the
 * client for a node. A command returns its document; text is printed only when nobody asked for JSON.
 */
export abstract class GrpCommand extends Command {
  static override readonly baseFlags = globalFlags;
  /** Protocol settings from the config file. */
  protected swimSettings: ProtocolSettings | undefined;
  #json = false;
  #colourless = false;

  override jsonEnabled(): boolean {
    return this.#json || wantsJson(this.argv, process.env);
  }

  protected override async parse<F extends FlagOutput, B extends FlagOutput, A extends ArgOutput>(
    options?: Interfaces.Input<F, B, A>,
    argv: string[] = this.argv,
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const table = { ...globalFlags, ...this.ctor.flags };
    const file = await this.#configFile(argv);
    const parsed = await super.parse(options, [...completeArgv(argv, table, process.env, file)]);
    const flags = parsed.flags as unknown as GlobalFlags;
    this.#json = flags.json;
    this.#colourless = flags['no-color'];
    return parsed;
  }

  async #configFile(argv: readonly string[]): Promise<Awaited<ReturnType<typeof readConfigFile>>['flags']> {
    const position = argv.findIndex((token) => token === '--config' || token.startsWith('--config='));
    const token = givenFlags(argv, globalFlags).has('config') ? argv[position] : undefined;
    const named = token === '--config' ? argv[position + 1] : token?.slice('--config='.length);
    const file = named ?? process.env[envName('config')];
    if (file === undefined || file === '') return {};
    const known = new Set(this.config.commands.flatMap((command) => Object.keys(command.flags)));
    const { flags, swim } = await readConfigFile(file, [...known]);
    this.swimSettings = swim;
    return flags;
  }

  /** Data for people, on stdout; nothing under `--json`. */
  protected print(text: string): void {
    if (!this.jsonEnabled()) process.stdout.write(`${text}\n`);
  }

  /** Talk for people, on stderr; nothing under `--json`. */
  protected say(text: string): void {
    if (!this.jsonEnabled()) process.stderr.write(`${text}\n`);
  }

  /** One line of JSON now, for streams and for commands that go on after their document. */
  protected emit(value: object): void {
    process.stdout.write(`${jsonText(value)}\n`);
  }

  /** The document for `--json`, or its text. */
  protected show<Document extends object>(value: Document, text: () => string): Document {
    if (!this.jsonEnabled()) this.print(text());
    return value;
  }

  protected get colours(): Colours {
    return coloursFor(process.stdout, this.#colourless || this.jsonEnabled());
  }

  /** The client of the node that the flags, the local cluster or the default port name. */
  protected async client(flags: GlobalFlags, timeoutMsDefault = 5_000): Promise<NodeClient> {
    return NodeClient.open({
      url: await resolveNode({ node: flags.node, dir: dirOf(flags) }),
      tokenFile: flags['token-file'],
      caFile: flags['tls-ca'],
      timeoutMs: flags.timeout ?? timeoutMsDefault,
    });
  }

  /** From now on the first SIGINT or SIGTERM asks to end, and the second ends at once. */
  protected armSignals(onSecond?: () => void): Interruption {
    return armSignals(onSecond);
  }

  protected override async catch(error: Error): Promise<never> {
    throw error; // `runCli` prints errors of every origin, in one place
  }

  protected override logJson(value: unknown): void {
    process.stdout.write(`${jsonText(value)}\n`);
  }
}

/** The folder of the local cluster. */
export function dirOf(flags: Pick<GlobalFlags, 'dir'>): string {
  return flags.dir ?? '.grp';
}
