/** How this command was started, for hints that can be pasted: `grp`, or `npm run grp --` from a clone. */
export function invocation(): string {
  return process.env['GRP_INVOCATION'] ?? 'grp';
}
