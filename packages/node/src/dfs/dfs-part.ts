import { setTimeout as pause } from 'node:timers/promises';
import {
  createMetaService,
  decodeReply,
  describeEntry,
  DfsMeta,
  encodeRequest,
  type MetaReply,
  type MetaRequest,
  type MetaService,
} from '@grp/dfs';
import {
  createFileServer,
  DfsClient,
  fileServerOrders,
  Peers,
  transferConfig,
  type BlobStore,
  type FileServer,
} from '@grp/dfs/node';
import type { Streams } from '@grp/core';
import type { Swim } from '@grp/swim';
import { sealStreams } from '@grp/transport-udp';
import type { HostedGroup } from '../raft/raft-host.ts';
import { replicatedLog } from '../raft/replicated-log.ts';
import { nodeOfServer } from '../raft/server-id.ts';
import { tapOrders } from '../record/order-tap.ts';
import type { RoleContext, RoleStop } from '../role.ts';
import { foundersOf, votersWanted } from './founders.ts';
import { GroupKeeper } from './group-keeper.ts';
import { DfsPeers } from './peers.ts';
import { Scrubber } from './scrubber.ts';
import { ServerLife } from './server-life.ts';

/** The raft group of the metadata, beside others on the same port. */
export const metaGroup = 'dfs-meta';

/** Five seconds of 4,000 puts a second; who is further behind is served from the disk. */
const metaCacheBytes = 4_194_304;
const rememberedTimeoutMs = 1_000;
const noAnswer: MetaReply = {
  kind: 'failed',
  code: 'DFS_META_UNREACHABLE',
  message: 'no node answered',
  outcomeUnknown: true,
};

/** The file store's part of one node: its copy of the metadata and the service over it, its blobs, its client. */
export class DfsPart {
  readonly meta = new DfsMeta();
  readonly group: HostedGroup;
  readonly peers: DfsPeers;
  readonly service: MetaService;
  readonly client: DfsClient;
  readonly server: FileServer;
  readonly store: BlobStore;
  readonly life: ServerLife;
  readonly scrubber: Scrubber;
  readonly #context: RoleContext;
  /** Sealed when the node has a key. */
  readonly #streams: Streams;
  readonly #transfers: Peers;
  readonly #keeper: GroupKeeper;
  readonly #stopping = new AbortController();
  #starting: Promise<void> | undefined;
  #isReady = false;

  constructor(context: RoleContext, swim: Swim, store: BlobStore) {
    const { name, clock, random, logger, options, recorder } = context;
    this.#context = context;
    const streams = streamsOf(context);
    this.#streams = streams;
    this.store = store;
    this.peers = new DfsPeers(swim);
    this.#transfers = new Peers({ streams, config: transferConfig.resolve({}), node: name });
    this.group = context.raft().open(metaGroup, this.meta, {
      begin: foundersOf({
        options,
        peers: this.peers,
        isRemembered: () => this.#isRemembered(),
        clock,
        signal: this.#stopping.signal,
      }),
      describe: describeEntry,
      cacheBytesMax: metaCacheBytes,
    });
    const orders = fileServerOrders(this.#transfers);
    this.service = createMetaService({
      log: replicatedLog(this.group, { clock, leader: () => this.#leaderAddress() }),
      meta: this.meta,
      membership: this.peers,
      orders: recorder === undefined ? orders : tapOrders(orders, recorder),
      clock,
      random: random.fork('dfs'),
      onFatal: context.fail,
      defer: (callback) => void setImmediate(callback),
    });
    this.group.onEvent = () => this.service.standingChanged();
    this.server = createFileServer({
      node: name,
      store,
      streams,
      incarnation: () => this.life.incarnation,
      answer: (request) => this.service.answer(request),
      onDamaged: (blob) => this.life.damaged(blob),
      logger,
    });
    this.client = this.#openClient();
    this.life = this.#openLife();
    const { dfsScrubIntervalMs: intervalMs, dfsScrubBytesPerSecond: bytesPerSecond } = options.config;
    this.scrubber = new Scrubber({ store, life: this.life, intervalMs, bytesPerSecond, clock, logger });
    const running = () => this.peers.servers();
    this.#keeper = new GroupKeeper({ group: this.group, running, votersWanted: votersWanted(options), clock, logger });
    store.onFailed = (cause) => context.fail(cause);
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** The log may have to wait for other nodes: the role goes on without it, and says so to whoever asks. */
  start(): void {
    this.#starting = this.#startGroup().catch((cause: unknown) => {
      if (!this.#stopping.signal.aborted) this.#context.fail(cause);
    });
    this.life.start();
    this.scrubber.start();
    this.#isReady = true;
    this.#context.noteReady();
  }

  /** SHA-256 of a server's copy, computed from its bytes as they are now. @throws GrpError */
  async digest(address: string, blob: string): Promise<string> {
    return (await this.#transfers.at(address).digest(blob, true)).sha256;
  }

  /** First another leader, so that nobody waits for one; then the transfers; then the log and the blobs. */
  async stop(how: RoleStop): Promise<void> {
    this.#isReady = false;
    this.#stopping.abort();
    if (how.leave) await this.group.handOver().catch(() => {});
    this.#keeper.stop();
    await this.client.close();
    await Promise.all([this.life.stop(), this.scrubber.stop(), this.server.close()]);
    this.#transfers.close();
    this.service.stop();
    await this.#starting;
    await this.group.stop(how);
    await this.store.close();
  }

  async #startGroup(): Promise<void> {
    await this.group.start();
    if (this.#stopping.signal.aborted) return;
    this.peers.announce(this.group.raft.status().id);
    this.service.standingChanged();
    this.#keeper.start();
  }

  #openClient(): DfsClient {
    const { peers } = this;
    const { name, clock } = this.#context;
    return new DfsClient({
      // Looked up for every request: nodes come and go.
      get servers() {
        return peers.others();
      },
      streams: this.#streams,
      local: (request: MetaRequest) => this.service.answer(request),
      near: name,
      clock,
      onFatal: this.#context.fail,
    });
  }

  #openLife(): ServerLife {
    const { name, network, clock, random, logger, options } = this.#context;
    const { given } = options;
    return new ServerLife({
      node: name,
      address: network.self,
      zone: given.tags?.['zone'] ?? '',
      store: this.store,
      meta: this.meta,
      ask: async (request) => (await this.client.request(request, this.#stopping.signal)) ?? noAnswer,
      keepBlocks: given.keepBlocks ?? false,
      clock,
      random: random.fork('dfs-life'),
      logger,
      onJoined: () => {},
    });
  }

  #leaderAddress(): string | undefined {
    if (!this.group.serving) return undefined;
    const { leader } = this.group.raft.status();
    if (leader === undefined) return undefined;
    const node = nodeOfServer(leader);
    if (node === this.#context.name) return this.#context.network.self;
    return this.peers.address(node, 'dfs') ?? this.meta.state.servers.get(node)?.address;
  }

  /** Whether another node's metadata has a file server of this node's name: then the folder has been emptied. */
  async #isRemembered(): Promise<boolean> {
    const request = encodeRequest({ kind: 'servers' });
    const asked = this.peers.others().map(async (address) => {
      const reply = decodeReply(await this.#transfers.at(address).meta(request));
      return reply?.kind === 'servers-listed' && reply.view.servers.some(({ id }) => id === this.#context.name);
    });
    const answers = await Promise.race([
      Promise.allSettled(asked),
      pause(rememberedTimeoutMs, [], { signal: this.#stopping.signal }),
    ]);
    return answers.some((answer) => answer.status === 'fulfilled' && answer.value);
  }
}

/** With a key, whoever does not prove it neither reads nor orders anything. */
function streamsOf({ network, options, logger }: RoleContext): Streams {
  const { streams } = network;
  const { keyring } = options;
  if (keyring === undefined) return streams;
  const onRefused = (peer: string, why: string): void => logger.log('debug', 'dfs.unsealed', { peer, why });
  return sealStreams({ streams, keyring, onRefused });
}
