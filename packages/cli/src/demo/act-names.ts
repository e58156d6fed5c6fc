/** The acts of the demo after the cluster has formed, in their order. Apart from them, so that help need not load them. */
export const actNames = ['group', 'chat', 'files', 'talk'] as const;
export type ActName = (typeof actNames)[number];
