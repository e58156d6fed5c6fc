/**
 * A name from the command line. @throws GrpError DFS_NAME_INVALID, also for bytes that were no UTF-8: the runtime has put
 * U+FFFD in their place, and what was meant is not known any more
 */
export async function checkName(name: string): Promise<string> {
  const { assertName, dfsError } = await import('@grp/dfs'); // no other command should load it
  if (name.includes('\uFFFD')) throw dfsError('DFS_NAME_INVALID', { context: { problem: 'it is not valid UTF-8' } });
  assertName(name);
  return name;
}

/** Where a file is in the HTTP API; what is given and defined becomes its query. */
export function filePath(name: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  return withQuery(`/v1/dfs/files/${encodeURIComponent(name)}`, query);
}

export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = given.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&');
  return text === '' ? path : `${path}?${text}`;
}
