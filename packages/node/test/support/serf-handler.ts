import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One user event or query, as an agent's event handler heard it. */
export interface Handled {
  readonly kind: 'user' | 'query';
  readonly name: string;
  readonly payload: string;
}

/** Notes user events and queries, one line each, and answers queries; an agent runs it once per event. */
const script = `#!/bin/sh
case "$SERF_EVENT" in
user)
  printf 'user\\t%s\\t%s\\n' "$SERF_USER_EVENT" "$(base64 -w0)" >>"$HANDLED_FILE"
  ;;
query)
  payload=$(base64 -w0)
  printf 'query\\t%s\\t%s\\n' "$SERF_QUERY_NAME" "$payload" >>"$HANDLED_FILE"
  printf '%s heard %s %s' "$SERF_SELF_NAME" "$SERF_QUERY_NAME" "$(printf %s "$payload" | base64 -d)"
  ;;
esac
`;

/** What every member of these tests, agent or grp, answers to a query. */
export function answerTo(self: string, name: string, payload: string): string {
  return `${self} heard ${name} ${payload}`;
}

/** Writes the event handler of the agents; gives its path. */
export async function writeHandler(folder: string): Promise<string> {
  const file = join(folder, 'handler.sh');
  await writeFile(file, script);
  await chmod(file, 0o755);
  return file;
}

export function parseHandled(text: string): readonly Handled[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [kind, name = '', payload = ''] = line.split('\t');
    // Serf ends every payload that it hands to a script with a newline.
    const text = Buffer.from(payload, 'base64').toString().replace(/\n$/, '');
    return { kind: kind as Handled['kind'], name, payload: text };
  });
}
