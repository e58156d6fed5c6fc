import { lookup, resolveSrv } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatAddress, systemClock, tryParseAddress, type Address, type Clock } from '@grp/core';
import { canonicalHost, type Family } from './endpoints.ts';
import { systemCode } from './errors.ts';

/** One answer to an SRV question (RFC 2782). */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Asks the name service. Rejections carry the system's `code`, such as `ENOTFOUND`. */
export interface SeedResolver {
  /** All addresses of a host, A and AAAA. */
  readonly host: (name: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
  readonly srv: (name: string) => Promise<readonly SrvRecord[]>;
}

/** How names of seeds are looked up. */
export interface ResolveSeedsOptions {
  /** For seeds without a port. */
  readonly defaultPort: number;
  /** Only addresses of this family; default both. */
  readonly family?: Family;
  /** For each seed, in ms (default 5,000). The system's own resolver may otherwise take half a minute. */
  readonly timeoutMs?: number;
  /** Default: the system's, so that the hosts file counts. */
  readonly resolver?: SeedResolver;
  readonly clock?: Clock;
}

/** A seed that gave no address, and what can be done about it. */
export interface SeedFailure {
  readonly seed: string;
  readonly code: 'SEED_INVALID' | 'SEED_UNKNOWN' | 'SEED_TIMEOUT' | 'SEED_NO_ADDRESS' | 'SEED_LIMIT';
  readonly message: string;
  readonly hint: string;
}

/** The addresses behind seeds, and the seeds without any. */
export interface SeedsResult {
  /** Without repetition, in the order of the seeds; SRV answers by priority, then weight. */
  readonly addresses: readonly Address[];
  readonly failures: readonly SeedFailure[];
}

const seedsMax = 256;
const addressesMax = 1_024;
const srvTargetsMax = 32;
const systemResolver: SeedResolver = { host: (name) => lookup(name, { all: true, verbatim: true }), srv: resolveSrv };

/**
 * Turns seeds as people write them into addresses: `10.0.0.1:7946`, `[::1]:7946`, `node.example` (every address that
 * it has), `srv:_swim._udp.example` or `_swim._udp.example` (every target and port that it names). Never rejects: a
 * seed that does not work is told in `failures`. At most 256 seeds and 1,024 addresses are used.
 */
export async function resolveSeeds(text: readonly string[], options: ResolveSeedsOptions): Promise<SeedsResult> {
  const seeds = [...new Set(text.map((seed) => seed.trim()).filter((seed) => seed !== ''))];
  const outcomes = await Promise.all(seeds.slice(0, seedsMax).map((seed) => resolveOne(seed, options)));
  const failures = outcomes.flatMap((outcome) => ('code' in outcome ? [outcome] : []));
  for (const seed of seeds.slice(seedsMax)) failures.push(failure(seed, 'SEED_LIMIT'));
  const addresses = new Set(outcomes.flatMap((outcome) => ('code' in outcome ? [] : outcome.addresses)));
  return { addresses: [...addresses].slice(0, addressesMax), failures };
}

type Found = { readonly addresses: readonly Address[] };

async function resolveOne(seed: string, options: ResolveSeedsOptions): Promise<Found | SeedFailure> {
  const { resolver = systemResolver, defaultPort, family } = options;
  const ask = async (): Promise<Found | SeedFailure> => {
    const targets = await targetsOf(seed, resolver, defaultPort);
    if (targets === undefined) return failure(seed, 'SEED_INVALID');
    const found = await Promise.allSettled(targets.map(({ host }) => addressesOf(host, resolver)));
    const addresses = found.flatMap((result, index) => {
      const hosts = result.status === 'fulfilled' ? result.value : [];
      const wanted = hosts.filter((host) => family === undefined || isIP(host) === family);
      return wanted.map((host) => formatAddress(host, targets[index]?.port ?? defaultPort));
    });
    if (addresses.length > 0) return { addresses };
    const broken = found.find((result) => result.status === 'rejected');
    if (broken !== undefined) throw broken.reason;
    return failure(seed, 'SEED_NO_ADDRESS', family === undefined ? '' : `IPv${family}`);
  };
  try {
    return await within(ask(), options, () => failure(seed, 'SEED_TIMEOUT'));
  } catch (cause) {
    return failure(seed, 'SEED_UNKNOWN', systemCode(cause));
  }
}

async function targetsOf(
  seed: string,
  resolver: SeedResolver,
  defaultPort: number,
): Promise<readonly { readonly host: string; readonly port: number }[] | undefined> {
  if (seed.startsWith('srv:') || seed.startsWith('_')) {
    const name = seed.replace(/^srv:/, '');
    if (!/^[\w.-]{1,253}$/.test(name)) return undefined;
    const records = [...(await resolver.srv(name))].toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
    return records
      .filter(({ port, name: target }) => port > 0 && port <= 65_535 && target !== '' && target !== '.')
      .slice(0, srvTargetsMax)
      .map(({ name: host, port }) => ({ host, port }));
  }
  if (isIP(seed) === 6) return [{ host: seed, port: defaultPort }];
  const parsed = tryParseAddress(seed, defaultPort);
  if (parsed === undefined || parsed.port === 0) return undefined;
  const isNumeric = isIP(parsed.host) !== 0;
  return isNumeric || /^(?=.*[a-z])[\w.-]{1,253}$/i.test(parsed.host) ? [parsed] : undefined;
}

async function addressesOf(host: string, resolver: SeedResolver): Promise<readonly string[]> {
  const own = canonicalHost(host);
  if (own !== undefined) return [own];
  const answers = await resolver.host(host);
  return answers.flatMap(({ address }) => canonicalHost(address) ?? []);
}

async function within<Value>(
  work: Promise<Value>,
  { timeoutMs = 5_000, clock = systemClock() }: ResolveSeedsOptions,
  late: () => Value,
): Promise<Value> {
  let cancel = (): void => {};
  const limit = new Promise<Value>((resolve) => {
    cancel = clock.wakeAt(clock.now() + timeoutMs, () => resolve(late()));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    cancel();
  }
}

const texts: Readonly<Record<SeedFailure['code'], readonly [message: string, hint: string]>> = {
  SEED_INVALID: [
    '$seed is not host:port.',
    'Write 10.0.0.1:7946, [::1]:7946, node.example:7946 or srv:_swim._udp.example; ports are 1 to 65535.',
  ],
  SEED_UNKNOWN: [
    '$seed does not resolve ($detail).',
    'Check the spelling and the name service, or give an IP address.',
  ],
  SEED_TIMEOUT: ['The name service did not answer for $seed in time.', 'Give an IP address, or try again later.'],
  SEED_NO_ADDRESS: [
    '$seed has no usable $detail address.',
    'Seeds must have an address of the family that this node is bound to.',
  ],
  SEED_LIMIT: ['$seed was not tried: there are too many seeds.', 'A handful of seeds is enough; give at most 256.'],
};

function failure(seed: string, code: SeedFailure['code'], detail = ''): SeedFailure {
  const [message, hint] = texts[code];
  const shown = JSON.stringify(seed.slice(0, 80));
  return {
    seed,
    code,
    message: message
      .replace('$seed', () => shown)
      .replace('$detail ', detail && `${detail} `)
      .replace('$detail', detail),
    hint,
  };
}
