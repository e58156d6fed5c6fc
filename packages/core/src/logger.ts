import type { Logger } from './ports.ts';

/** Says nothing. */
export const silentLogger: Logger = { log() {} };
