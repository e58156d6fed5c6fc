import { Flags } from '@oclif/core';
import type { ProtocolSettings } from './config-file.ts';
import { list, share, duration, text, toggle, whole } from './flags.ts';
import { envName } from './given.ts';
import type { NodeSpec } from './run-node.ts';
import { parseTags } from './values.ts';

/** Flags that say how a node is, alone or in a cluster. */
export const nodeFlags = {
  role: list('role', 'what the node does, with commas between (swim unless given)', 'ROLE'),
  preset: Flags.option({
    options: ['local', 'lan', 'wan'] as const,
    description: 'timing of the membership (lan unless given)',
    env: envName('preset'),
  })(),
  label: text('label', 'name of the cluster on the wire: members with another label are strangers', 'LABEL'),
  tag: list('tag', 'tags of the member, with commas between', 'KEY=VALUE'),
  group: text('group', 'name of the group of the role gms (default unless given)', 'NAME'),
  delivery: Flags.option({
    options: ['agreed', 'safe'] as const,
    description: 'when the role gms delivers: in order, or once every member has it (agreed unless given)',
    env: envName('delivery'),
  })(),
  'dfs-voters': list(
    'dfs-voters',
    'names of the nodes that first keep the metadata of the role dfs, with commas between (the first three unless given)',
    'NAME',
  ),
  'keep-blocks': toggle('keep-blocks', 'role dfs: a node that comes back keeps what it still should hold'),
  'key-file': text('key-file', 'file with the cluster key in base64 (mode 600): seals everything', 'FILE'),
  loss: share('loss', 'drop this share of outgoing datagrams, for trials'),
  delay: duration('delay', 'hold outgoing datagrams back, for trials'),
  dup: share('dup', 'send this share of datagrams twice, for trials'),
  seed: whole('seed', 'which datagrams these trials hit follows from it and the name', 0, Number.MAX_SAFE_INTEGER),
  'log-format': Flags.option({
    options: ['pretty', 'json'] as const,
    description: 'how the log is written (pretty unless given)',
    env: envName('log-format'),
  })(),
};

interface NodeFlagValues {
  readonly role?: string[] | undefined;
  readonly preset?: 'local' | 'lan' | 'wan' | undefined;
  readonly label?: string | undefined;
  readonly tag?: string[] | undefined;
  readonly group?: string | undefined;
  readonly delivery?: 'agreed' | 'safe' | undefined;
  readonly 'dfs-voters'?: string[] | undefined;
  readonly 'keep-blocks'?: boolean | undefined;
  readonly 'key-file'?: string | undefined;
  readonly loss?: number | undefined;
  readonly delay?: number | undefined;
  readonly dup?: number | undefined;
  readonly seed?: number | undefined;
}

type SharedOptions = Omit<NodeSpec['options'], 'name' | 'bind' | 'advertise' | 'join' | 'http' | 'dataDir' | 'record'>;

/** The options that these flags mean. Roles are checked by `@grp/node`, which knows them. */
export function sharedOptions(flags: NodeFlagValues, swim: ProtocolSettings | undefined): SharedOptions {
  return {
    roles: (flags.role ?? ['swim']) as SharedOptions['roles'],
    preset: flags.preset,
    label: flags.label,
    group: flags.group,
    delivery: flags.delivery,
    dfsVoters: flags['dfs-voters'],
    ...(flags['keep-blocks'] === true && { keepBlocks: true }),
    keyFile: flags['key-file'],
    loss: flags.loss,
    delayMs: flags.delay,
    duplicate: flags.dup,
    seed: flags.seed,
    tags: parseTags(flags.tag ?? []),
    swim,
  };
}
