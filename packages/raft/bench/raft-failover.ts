// How long nobody can write when the leader dies, or leaves in good order.
import { systemClock, type Address } from '@grp/core';
import { openNetwork } from '@grp/transport-udp';
import { encodeMapCommand, RaftClient } from '../src/index.ts';
import { pause, round, type EtcdCluster, type RaftCluster } from './raft-cluster.ts';
import { Http2Client, protoBytes } from './http2-client.ts';

export interface GapFigures {
  readonly what: string;
  readonly count: number;
  readonly medianMs: number;
  readonly maxMs: number;
  readonly minMs: number;
  /** Errors that a client saw. */
  readonly errors: number;
}

const writers = 4;
const settleMs = 700;
const patienceMs = 20_000;

/** When writes were acknowledged, and the longest gap since somebody looked. */
class Acknowledged {
  #last = performance.now();
  errors = 0;
  #heard: () => void = () => {};

  note(): void {
    this.#last = performance.now();
    this.#heard();
  }

  /** How long after `from` the next write was acknowledged that was asked for after it, or was under way. */
  async next(from: number): Promise<number> {
    const heard = new Promise<void>((resolve) => (this.#heard = resolve));
    await Promise.race([heard, pause(patienceMs)]);
    return this.#last - from;
  }
}

/** Kills or ends the leader again and again, under a few writers that repeat what is not answered. */
export async function measureRaftGaps(raft: RaftCluster, how: 'kill' | 'stop', count: number): Promise<GapFigures> {
  const { streams } = await openNetwork({ bind: '127.0.0.1:0' });
  const ports = { streams, clock: systemClock() };
  const seen = new Acknowledged();
  const over = new AbortController();
  const clients = Array.from(
    { length: writers },
    () => new RaftClient(ports, { servers: raft.addresses as readonly Address[], timeoutMs: patienceMs }),
  );
  const writing = clients.map((client, index) => writeOn(client, index, seen, over.signal));
  const gaps: number[] = [];
  for (let done = 0; done < count; done++) {
    await pause(settleMs);
    const leader = await raft.leader();
    const gone = how === 'kill' ? leader.kill() : leader.stop();
    const from = performance.now();
    await seen.next(from);
    gaps.push(how === 'kill' ? performance.now() - from : await longestGap(seen, from, gone));
    await gone;
    await leader.start();
  }
  over.abort();
  await Promise.all(writing);
  for (const client of clients) client.close();
  await streams.close();
  return figuresOf(how === 'kill' ? 'grp, SIGKILL' : 'grp, in good order', gaps, seen.errors);
}

/** While a server leaves, the writes that still succeed do not end the gap: the longest one until it is over counts. */
async function longestGap(seen: Acknowledged, from: number, gone: Promise<unknown>): Promise<number> {
  let [last, longest] = [from, 0];
  const state = { end: Infinity };
  void gone.then(() => (state.end = performance.now() + 100));
  while (performance.now() < state.end) {
    await seen.next(last);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
}

async function writeOn(client: RaftClient, index: number, seen: Acknowledged, signal: AbortSignal): Promise<void> {
  const id = await client.openSession();
  for (let sequence = 1; !signal.aborted; sequence++) {
    try {
      const command = encodeMapCommand({ type: 'put', key: `writer-${index}`, value: String(sequence) });
      await client.propose(command, { session: { id, sequence, acknowledged: sequence } });
      seen.note();
    } catch {
      seen.errors++;
    }
    await pause(2);
  }
}

/** The same for etcd: a put every 5 ms to each member that is left. */
export async function measureEtcdGaps(etcd: EtcdCluster, count: number): Promise<GapFigures> {
  const gaps: number[] = [];
  for (let done = 0; done < count; done++) {
    await pause(settleMs);
    const leader = await etcd.leader();
    const seen = new Acknowledged();
    const clients = etcd.endpoints
      .filter((_, index) => index !== leader)
      .map((endpoint) => {
        const [host = '', port] = endpoint.split(':');
        return new Http2Client(host, Number(port));
      });
    const put = Buffer.concat([protoBytes(1, Buffer.from('key')), protoBytes(2, Buffer.alloc(256, 'v'))]);
    const timer = setInterval(() => {
      for (const client of clients)
        client.unary(client.headers('/etcdserverpb.KV/Put'), put, {
          onMessage: () => {},
          onEnd: (isOk) => isOk && seen.note(),
        });
    }, 5);
    await pause(200);
    await etcd.kill(leader);
    // What was answered before the kill is still in the sockets.
    const from = performance.now();
    await pause(10);
    await seen.next(from);
    gaps.push(performance.now() - from);
    clearInterval(timer);
    for (const client of clients) client.close();
    await etcd.restart(leader);
    await pause(1_000);
  }
  return figuresOf('etcd, SIGKILL', gaps, 0);
}

function figuresOf(what: string, gaps: readonly number[], errors: number): GapFigures {
  const sorted = gaps.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0, 0);
  return { what, count: gaps.length, medianMs: at(0.5), maxMs: at(1), minMs: at(0), errors };
}
