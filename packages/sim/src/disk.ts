import type { Disk } from '@grp/core';
import type { Life } from './life.ts';
import type { DiskControl } from './disk-faults.ts';
export class SimDisk implements DiskControl {
  constructor(_options: object) {}
  losePower(): void {}
  wipe(): void {}
  setFaults(_faults: object): void {}
  port(_life: Life): Disk {
    return {} as Disk;
  }
}
