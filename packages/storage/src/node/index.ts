export { lockFolder } from './folder-lock.ts';
export { nodeDisk, type NodeDisk, type NodeDiskOptions } from './node-disk.ts';
