/** What a client signs to show that it holds its key, on this connection and no other. */
export const helloDomain = 'grp-tracker-hello-1';
/** What the tracker signs to show that it holds its own. */
export const welcomeDomain = 'grp-tracker-welcome-1';
