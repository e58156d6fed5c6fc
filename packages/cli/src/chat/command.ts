import { readFile } from 'node:fs/promises';
import type { ChatClient, ChatMessage } from '@grp/chat';
import { formatAddress, parseAddress } from '@grp/core';
import { dirOf, GrpCommand, type GlobalFlags } from '../base.ts';
import { isAlive } from '../cluster/processes.ts';
import { readState, requireNode, requireState } from '../cluster/state.ts';
import { cliError } from '../errors.ts';
import { list, text } from '../flags.ts';
import { readLogin } from './token.ts';

/** Where the servers are. */
export const chatFlags = {
  servers: list('servers', 'addresses of the servers, when they are not the local cluster', 'HOST:PORT'),
  'cluster-config': text('cluster-config', 'file that names the servers: cluster_config.json', 'FILE'),
};

export interface ChatFlagValues extends GlobalFlags {
  readonly servers?: string[] | undefined;
  readonly 'cluster-config'?: string | undefined;
}

const chatOffset = 5;
/** A change of leaders takes less than one second; who waits longer waits for a majority. */
const timeoutMsDefault = 10_000;

interface Servers {
  readonly servers: readonly string[];
  /** Others, which are asked only when they are named as the leader. */
  readonly leaders?: readonly string[];
}

/** What the chat commands share: finding the servers, and who is logged in. */
export abstract class ChatCommand extends GrpCommand {
  /** Runs `work` with a client, logged in as whoever is in `--dir`, and closes it. */
  protected async withChat<Value>(flags: ChatFlagValues, work: (client: ChatClient) => Promise<Value>): Promise<Value> {
    const { ChatClient: Client } = await import('@grp/chat');
    const login = await readLogin(dirOf(flags));
    const ca = flags['tls-ca'];
    const client = new Client({
      ...(await serversOf(flags)),
      token: login?.token,
      config: { timeoutMs: flags.timeout ?? timeoutMsDefault },
      ...(ca === undefined
        ? {}
        : { credentials: (await import('@grpc/grpc-js')).credentials.createSsl(await bytesOf(ca)) }),
    });
    try {
      return await work(client);
    } finally {
      client.close();
    }
  }
}

/** `--servers`, or the cluster file, or `--node` (one of the local cluster), or all living nodes of the local cluster. */
async function serversOf(flags: ChatFlagValues): Promise<Servers> {
  if (flags.servers !== undefined) return { servers: flags.servers.map((server) => addressOf(server)) };
  const file = flags['cluster-config'];
  if (file !== undefined) {
    const { parseClusterFile } = await import('@grp/chat');
    const named = parseClusterFile((await bytesOf(file)).toString('utf8'));
    const one = named.find(({ id }) => id === flags.node);
    const servers = named.map(({ client }) => client);
    return one === undefined ? { servers } : { servers: [one.client], leaders: servers };
  }
  const dir = dirOf(flags);
  const nodes = (await readState(dir))?.nodes.filter(({ roles }) => roles.includes('chat')) ?? [];
  if (nodes.length === 0) throw cliError('CHAT_NO_SERVERS', { context: { dir } });
  if (flags.node !== undefined) {
    const one = chatAddress(requireNode(await requireState(dir), flags.node));
    return { servers: [one], leaders: nodes.map((node) => chatAddress(node)) };
  }
  const alive = nodes.filter((node) => isAlive(node));
  return { servers: (alive.length > 0 ? alive : nodes).map((node) => chatAddress(node)) };
}

async function bytesOf(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw cliError('CLI_FILE_UNREADABLE', { context: { file, reason: cause.code ?? cause.message }, cause });
  });
}

function chatAddress({
  bind,
  ports,
}: {
  readonly bind: string;
  readonly ports: Readonly<Record<string, number>>;
}): string {
  const { host, port } = parseAddress(bind);
  return formatAddress(host, ports['chat'] ?? port + chatOffset);
}

function addressOf(server: string): string {
  const { host, port } = parseAddress(server);
  return formatAddress(host, port);
}

/** The document of a message: `grp chat history` and `watch` give these. */
export function messageFields({ id, room, from, text: content, at, index, sequence, deleted }: ChatMessage) {
  return {
    id,
    room,
    from,
    text: content,
    at: new Date(at).toISOString(),
    index,
    sequence,
    ...(deleted ? { deleted } : {}),
  };
}
