import { GrpError, type Disk } from '@grp/core';
import { check, checkBytes, checkEqual, ConformanceError, pattern, runSuite, until } from './suite.ts';
import type { Case, Environment, SuiteOptions } from './suite.ts';

/** `powerCut`: the environment can take the power away. `capacity`: it has a small disk. `lock`: it locks. */
export type DiskFeature = 'powerCut' | 'capacity' | 'lock';

/** A disk for its conformance suite. */
export interface OpenDisk extends Environment {
  /** An empty disk. */
  readonly disk: Disk;
  /** Cuts the power and gives the disk as the next process finds it, for `powerCut`. */
  readonly powerCut?: () => Promise<Disk> | Disk;
  /** A disk with room for at most 1 MiB, for `capacity`. */
  readonly small?: Disk;
  /** The same folder as another process opens it, for `lock`. */
  readonly rival?: Disk;
}

type DiskCase = Case<OpenDisk, DiskFeature>;

/** Judges an implementation of the `Disk` port. */
export function diskConformance(options: SuiteOptions<DiskFeature, OpenDisk>): void {
  runSuite(options, [...contentCases, ...nameCases, ...durabilityCases, ...limitCases]);
}

// Awaits a promise while time passes, virtual or real.
async function done<Result>(opened: OpenDisk, promise: Promise<Result>): Promise<Result> {
  let outcome: { readonly value: Result } | { readonly cause: unknown } | undefined;
  promise.then(
    (value) => (outcome = { value }),
    (cause: unknown) => (outcome = { cause }),
  );
  await until(opened, () => outcome !== undefined, 'the operation ends', 10_000);
  if (outcome !== undefined && 'value' in outcome) return outcome.value;
  throw outcome?.cause;
}

async function fails(opened: OpenDisk, promise: Promise<unknown>, code: string): Promise<void> {
  try {
    await done(opened, promise);
  } catch (cause) {
    if (cause instanceof ConformanceError) throw cause;
    check(cause instanceof GrpError, `a GrpError is thrown, not ${String(cause)}`);
    return checkEqual(cause.code, code, 'the error’s code');
  }
  throw new ConformanceError(`an operation fails with ${code}, but it went well`);
}

const contentCases: readonly DiskCase[] = [
  [
    'writes and reads at any place',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('f', 0, pattern(1_000, 1)));
      await done(opened, disk.write('f', 500, pattern(1_000, 2)));
      checkEqual(await done(opened, disk.size('f')), 1_500, 'the size grows');
      checkBytes(await done(opened, disk.read('f', 0, 500)), pattern(1_000, 1).subarray(0, 500), 'what was there');
      checkBytes(await done(opened, disk.read('f', 500, 1_000)), pattern(1_000, 2), 'what was written over');
    },
  ],
  [
    'reads shorter only at the end',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('f', 0, pattern(100, 1)));
      checkBytes(await done(opened, disk.read('f', 90, 100)), pattern(100, 1).subarray(90), 'the last ten bytes');
      checkEqual((await done(opened, disk.read('f', 100, 10))).length, 0, 'nothing at the end');
      checkEqual((await done(opened, disk.read('f', 5_000, 10))).length, 0, 'nothing beyond the end');
      checkEqual((await done(opened, disk.read('f', 0, 0))).length, 0, 'nothing when nothing is asked');
    },
  ],
  [
    'fills a gap with zeros, and a truncated part too',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('f', 3_000, pattern(10, 1)));
      checkBytes(await done(opened, disk.read('f', 0, 3_000)), new Uint8Array(3_000), 'the gap');
      await done(opened, disk.truncate('f', 3_005));
      await done(opened, disk.truncate('f', 3_010));
      const end = new Uint8Array([...pattern(10, 1).subarray(0, 5), 0, 0, 0, 0, 0]);
      checkBytes(await done(opened, disk.read('f', 3_000, 100)), end, 'what was cut off reads as zeros');
    },
  ],
  [
    'appends at the end',
    async (opened) => {
      const { disk } = opened;
      for (let salt = 0; salt < 20; salt++) await done(opened, disk.append('log', pattern(33, salt)));
      checkEqual(await done(opened, disk.size('log')), 20 * 33, 'all of it');
      for (let salt = 0; salt < 20; salt++)
        checkBytes(await done(opened, disk.read('log', salt * 33, 33)), pattern(33, salt), `record ${salt}`);
    },
  ],
  [
    'preallocates zeros, and never shrinks by it',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('f', 0, pattern(10, 1)));
      await done(opened, disk.preallocate('f', 8_192));
      checkEqual(await done(opened, disk.size('f')), 8_192, 'the size');
      checkBytes(await done(opened, disk.read('f', 10, 8_182)), new Uint8Array(8_182), 'zeros');
      await done(opened, disk.preallocate('f', 100));
      checkEqual(await done(opened, disk.size('f')), 8_192, 'the size stays');
      checkBytes(await done(opened, disk.read('f', 0, 10)), pattern(10, 1), 'the bytes stay');
    },
  ],
  [
    'does not share bytes with its caller',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('f', 0, pattern(10, 1)));
      const first = await done(opened, disk.read('f', 0, 10));
      first.fill(0);
      checkBytes(await done(opened, disk.read('f', 0, 10)), pattern(10, 1), 'a read gives a copy');
    },
  ],
];

const nameCases: readonly DiskCase[] = [
  [
    'says which file is not there',
    async (opened) => {
      const { disk } = opened;
      for (const operation of [
        () => disk.read('none', 0, 1),
        () => disk.size('none'),
        () => disk.sync('none'),
        () => disk.rename('none', 'other'),
        () => disk.remove('none'),
        () => disk.truncate('none', 0),
      ])
        await fails(opened, operation(), 'DISK_NOT_FOUND');
      checkEqual(await done(opened, disk.list('')), [], 'a failed operation creates nothing');
    },
  ],
  [
    'lists by prefix, sorted by code unit',
    async (opened) => {
      const { disk } = opened;
      for (const name of ['b', 'a/2', 'a/10', 'a/1', 'ab', 'Z']) await done(opened, disk.write(name, 0, pattern(1, 1)));
      checkEqual(await done(opened, disk.list('')), ['Z', 'a/1', 'a/10', 'a/2', 'ab', 'b'], 'all');
      checkEqual(await done(opened, disk.list('a/')), ['a/1', 'a/10', 'a/2'], 'one folder');
      checkEqual(await done(opened, disk.list('a')), ['a/1', 'a/10', 'a/2', 'ab'], 'any prefix');
      checkEqual(await done(opened, disk.list('nothing')), [], 'none');
    },
  ],
  [
    'renames, over another file too, and removes',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('new', 0, pattern(10, 1)));
      await done(opened, disk.write('old', 0, pattern(20, 2)));
      await done(opened, disk.rename('new', 'old'));
      checkEqual(await done(opened, disk.list('')), ['old'], 'one file is left');
      checkBytes(await done(opened, disk.read('old', 0, 100)), pattern(10, 1), 'the renamed one');
      await done(opened, disk.remove('old'));
      checkEqual(await done(opened, disk.list('')), [], 'none is left');
    },
  ],
];

async function cutPower(opened: OpenDisk): Promise<Disk> {
  const { powerCut } = opened;
  check(powerCut !== undefined, 'the environment cuts the power');
  return powerCut();
}

const durabilityCases: readonly DiskCase[] = [
  [
    'keeps what was synced when the power is cut',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('dir/f', 0, pattern(5_000, 1)));
      await done(opened, disk.sync('dir/f'));
      await done(opened, disk.syncDirectory('dir'));
      await done(opened, disk.write('dir/f', 2_000, pattern(1_000, 2)));
      await done(opened, disk.sync('dir/f'));
      const after = await cutPower(opened);
      checkEqual(await done(opened, after.size('dir/f')), 5_000, 'the size');
      checkBytes(await done(opened, after.read('dir/f', 2_000, 1_000)), pattern(1_000, 2), 'the second write');
      checkBytes(await done(opened, after.read('dir/f', 0, 2_000)), pattern(5_000, 1).subarray(0, 2_000), 'the first');
    },
    'powerCut',
  ],
  [
    'tears only what was not synced when the power is cut',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('f', 0, new Uint8Array(51_200).fill(1)));
      await done(opened, disk.sync('f'));
      await done(opened, disk.syncDirectory(''));
      await done(opened, disk.write('f', 10_240, new Uint8Array(20_480).fill(2)));
      const after = await cutPower(opened);
      const bytes = await done(opened, after.read('f', 0, 100_000));
      checkEqual(bytes.length, 51_200, 'the size was synced');
      check(
        bytes.every((byte, index) => byte === 1 || (byte === 2 && index >= 10_240 && index < 30_720)),
        'each byte is the old or the new one',
      );
    },
    'powerCut',
  ],
  [
    'keeps a rename once the folder is synced, and the old or the new name before',
    async (opened) => {
      const { disk } = opened;
      await done(opened, disk.write('a', 0, pattern(10, 1)));
      await done(opened, disk.sync('a'));
      await done(opened, disk.syncDirectory(''));
      await done(opened, disk.rename('a', 'b'));
      await done(opened, disk.syncDirectory(''));
      await done(opened, disk.rename('b', 'c'));
      const after = await cutPower(opened);
      const names = await done(opened, after.list(''));
      check(names.length === 1 && (names[0] === 'b' || names[0] === 'c'), `one of b and c, not ${names.join()}`);
      checkBytes(await done(opened, after.read(names[0] as string, 0, 10)), pattern(10, 1), 'its bytes are whole');
    },
    'powerCut',
  ],
];

const limitCases: readonly DiskCase[] = [
  [
    'says when it is full, and takes what was reserved',
    async (opened) => {
      const { small } = opened;
      check(small !== undefined, 'the environment has a small disk');
      await done(opened, small.preallocate('reserved', 65_536));
      await fails(opened, small.write('f', 0, new Uint8Array(2_097_152)), 'DISK_FULL');
      for (let free = await done(opened, small.freeBytes()); free > 0; free = await done(opened, small.freeBytes()))
        await done(opened, small.append('rest', new Uint8Array(free)));
      await fails(opened, small.append('rest', new Uint8Array(65_536)), 'DISK_FULL');
      await done(opened, small.write('reserved', 0, pattern(65_536, 1)));
      await done(opened, small.remove('rest'));
      await done(opened, small.write('f', 0, pattern(100, 2)));
    },
    'capacity',
  ],
  [
    'has one holder at a time',
    async (opened) => {
      const { disk, rival } = opened;
      check(rival !== undefined, 'the environment has a rival');
      const unlock = await done(opened, disk.lock());
      await fails(opened, rival.lock(), 'DISK_LOCKED');
      await done(opened, unlock());
      await done(opened, unlock());
      await done(opened, rival.lock());
      await fails(opened, disk.lock(), 'DISK_LOCKED');
    },
    'lock',
  ],
];
