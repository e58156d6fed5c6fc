import { GrpCommand } from '../base.ts';
import { toggle } from '../flags.ts';
import { document } from '../output/json.ts';

/** Opens the console of a live cluster. */
export class Console extends GrpCommand {
  static override readonly summary = 'Open the web console of a live cluster, or print its URL';
  static override readonly description = `Every node serves the console with its HTTP API; it shows the whole cluster as that node sees it. Read-only, unless --token-file names the token of the node: then the URL carries it in its fragment, which no browser sends anywhere.
Exit code 5 when no node answers, 3 when the node serves no console, 4 when the token is wrong.`;
  static override readonly examples = [
    { description: 'The local cluster, or the node at the default port', command: '<%= config.bin %> console' },
    { description: 'As the third node sees it; for a script', command: '<%= config.bin %> console --node n3 --json' },
    {
      description: 'With the right to change something',
      command: '<%= config.bin %> console --token-file cluster.token --no-open',
    },
  ];
  static override readonly flags = {
    'no-open': toggle('no-open', 'only print the URL; without a display nothing is opened in any case'),
  };

  override async run(): Promise<object> {
    const { flags } = await this.parse(Console);
    const { builtConsole } = await import('./build.ts');
    const { consoleError } = await import('./errors.ts');
    const { readSecret } = await import('../secret-file.ts');
    const client = await this.client(flags);
    const status = await client.get<{ readonly name: string; readonly http: string }>('/v1/node/status');
    await builtConsole((text) => this.say(text));
    const { url } = client;
    const { routes } = await client.get<{ readonly routes: readonly { readonly path: string }[] }>('/v1');
    if (!routes.some(({ path }) => path === '/')) throw consoleError('CONSOLE_NOT_SERVED', { context: { url } });
    const file = flags['token-file'];
    const token = file === undefined ? undefined : (await readSecret(file)).trim();
    const page = `${url.replace(/\/$/, '')}/#${token === undefined ? '/' : `token=${encodeURIComponent(token)}`}`;
    const body = { url: page, node: status.name, readOnly: token === undefined };
    if (!flags['no-open'] && !this.jsonEnabled()) {
      const { openBrowser } = await import('./open-browser.ts');
      openBrowser(page);
    }
    return this.show(document('grp.console.open/1', body), () => page);
  }
}
