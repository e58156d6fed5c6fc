import type { Delay } from './delay.ts';
export interface DiskSettings {
  readonly capacityBytes: number;
  readonly operation: Delay;
  readonly sync: Delay;
}
export const defaultDiskSettings: DiskSettings = { capacityBytes: 1e9, operation: 0.05, sync: 1 };
export interface DiskControl {
  setFaults(faults: object): void;
}
