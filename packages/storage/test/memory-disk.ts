import { GrpError, type Disk } from '@grp/core';

/** Files in memory, at once and without faults: for tests that open a log thousands of times. */
export function memoryDisk(files: Map<string, Uint8Array>): Disk {
  const get = (file: string): Uint8Array => {
    const found = files.get(file);
    if (found === undefined) throw new GrpError({ code: 'DISK_NOT_FOUND', kind: 'not-found', message: file });
    return found;
  };
  const write = (file: string, offset: number, bytes: Uint8Array): void => {
    const before = files.get(file) ?? new Uint8Array(0);
    const after = new Uint8Array(Math.max(before.length, offset + bytes.length));
    after.set(before);
    after.set(bytes, offset);
    files.set(file, after);
  };
  return {
    read: async (file, offset, lengthBytes) => get(file).slice(offset, offset + lengthBytes),
    write: async (file, offset, bytes) => write(file, offset, bytes),
    append: async (file, bytes) => write(file, files.get(file)?.length ?? 0, bytes),
    preallocate: async (file, size) => {
      if ((files.get(file)?.length ?? 0) < size) write(file, size - 1, new Uint8Array(1));
    },
    truncate: async (file, size) => {
      const bytes = new Uint8Array(size);
      bytes.set(get(file).subarray(0, size));
      files.set(file, bytes);
    },
    sync: async (file) => void get(file),
    syncDirectory: async () => {},
    rename: async (from, to) => {
      files.set(to, get(from));
      files.delete(from);
    },
    remove: async (file) => {
      get(file);
      files.delete(file);
    },
    size: async (file) => get(file).length,
    list: async (prefix) => [...files.keys()].filter((file) => file.startsWith(prefix)).toSorted(),
    freeBytes: async () => 1e12,
    lock: async () => async () => {},
  };
}

/** A copy that can be damaged. */
export function copyOf(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  return new Map([...files].map(([name, bytes]) => [name, bytes.slice()]));
}
