import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Args } from '@oclif/core';
import { GrpCommand } from '../base.ts';
import { document } from '../output/json.ts';

const files = { bash: ['bash', 'grp.bash'], zsh: ['zsh', '_grp'], powershell: ['powershell', 'grp.ps1'] } as const;

/** Prints the completion script of a shell. */
export class Completion extends GrpCommand {
  static override readonly summary = 'Print the completion script of a shell';
  static override readonly description = `bash: source <(grp completion bash)   in ~/.bashrc
zsh: grp completion zsh > "\${fpath[1]}/_grp"   once, then start a new shell
PowerShell: grp completion powershell >> $PROFILE`;
  static override readonly examples = [
    { description: 'For bash', command: '<%= config.bin %> completion bash' },
    { description: 'For zsh', command: '<%= config.bin %> completion zsh' },
  ];
  static override readonly args = {
    shell: Args.string({
      description: 'the shell',
      options: ['bash', 'zsh', 'powershell'] as const,
      default: 'bash',
      ignoreStdin: true,
    }),
  };

  override async run(): Promise<object> {
    const { args } = await this.parse(Completion);
    const shell = args.shell as keyof typeof files;
    // The plugin writes the scripts of all shells into the cache folder; its own command only explains where.
    await this.config.runCommand('autocomplete:create', []);
    const script = await readFile(join(this.config.cacheDir, 'autocomplete', 'functions', ...files[shell]), 'utf8');
    return this.show(document('grp.completion.script/1', { shell, script }), () => script.trimEnd());
  }
}
