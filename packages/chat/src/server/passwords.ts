import { argon2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { chatError } from '../errors.ts';
import type { PasswordHasher } from '../ports.ts';

export interface PasswordHasherOptions {
  /** Hashes computed at once: each takes 19 MiB and a core for about 30 ms (default 2). */
  readonly concurrencyMax?: number;
  /** Requests waiting for their turn; one more is refused (default 64, about a second of work). */
  readonly queueMax?: number;
}

interface Scheme {
  readonly name: 'argon2id' | 'scrypt';
  readonly parameters: string;
  derive(password: string, salt: Buffer): Promise<Buffer>;
}

const saltBytes = 16;
const hashBytes = 32;

/** OWASP Password Storage Cheat Sheet (2023): argon2id with 19 MiB, two passes, one lane. */
const argon2id: Scheme = {
  name: 'argon2id',
  parameters: 'm=19456,t=2,p=1',
  derive: (password, salt) =>
    new Promise((resolve, reject) => {
      const parameters = {
        message: password,
        nonce: salt,
        parallelism: 1,
        tagLength: hashBytes,
        memory: 19_456,
        passes: 2,
      };
      argon2('argon2id', parameters, (error, key) => (error === null ? resolve(key) : reject(error)));
    }),
};

const scryptAsync = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);

/** The same source's choice where there is no argon2 (Node before 24.7). */
const scryptScheme: Scheme = {
  name: 'scrypt',
  parameters: 'ln=17,r=8,p=1',
  derive: (password, salt) => scryptAsync(password, salt, hashBytes, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 }),
};

const schemes: readonly Scheme[] = typeof argon2 === 'function' ? [argon2id, scryptScheme] : [scryptScheme];

/** Hashes passwords on Node's thread pool, few at once. The best scheme that this Node has makes new hashes. */
export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const { concurrencyMax = 2, queueMax = 64 } = options;
  const best = schemes[0] as Scheme;
  // What is compared when there is no such user: the same work, and nobody has a password for it.
  const nobody = { scheme: best, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) };
  const waiting: (() => void)[] = [];
  let running = 0;

  async function turn<Value>(work: () => Promise<Value>): Promise<Value> {
    if (running >= concurrencyMax) {
      if (waiting.length >= queueMax) throw chatError('CHAT_BUSY', { context: { retryAfterMs: 1_000 } });
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    running++;
    try {
      return await work();
    } finally {
      running--;
      waiting.shift()?.();
    }
  }

  return {
    hash: (password) =>
      turn(async () => {
        const salt = randomBytes(saltBytes);
        return format(best, salt, await best.derive(password, salt));
      }),
    verify: (password, hash) =>
      turn(async () => {
        const { scheme, salt, hash: wanted } = hash === undefined ? nobody : parse(hash);
        const found = await scheme.derive(password, salt);
        return timingSafeEqual(found, wanted) && hash !== undefined;
      }),
  };
}

function format({ name, parameters }: Scheme, salt: Buffer, hash: Buffer): string {
  const version = name === 'argon2id' ? '$v=19' : '';
  return `$${name}${version}$${parameters}$${unpadded(salt)}$${unpadded(hash)}`;
}

function parse(text: string): { readonly scheme: Scheme; readonly salt: Buffer; readonly hash: Buffer } {
  const parts = text.split('$');
  const scheme = schemes.find(({ name, parameters }) => parts[1] === name && parts.includes(parameters));
  const [salt, hash] = parts.slice(-2).map((part) => Buffer.from(part, 'base64'));
  // Written by a server with another Node: this one cannot check it, and must not say that the password is wrong.
  if (scheme === undefined || hash?.length !== hashBytes) throw chatError('CHAT_HASH_UNKNOWN');
  return { scheme, salt: salt as Buffer, hash };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
