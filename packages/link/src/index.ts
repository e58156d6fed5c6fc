export { linkConfig, type LinkSettings } from './config.ts';
export type { Trouble } from './happenings.ts';
export { createLinks, type Links, type LinksOptions, type RefusingTransport } from './links.ts';
export { LinkMachine, type LinkEffect, type LinkInput, type LinkMachineOptions } from './machine.ts';
export { sealTransport, type SealOptions } from './sealed.ts';
export type { LinkStats, PeerStats } from './stats.ts';
