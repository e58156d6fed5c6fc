/** 1 … 32 letters, digits, `.`, `_` or `-`. Plain ASCII, so that no two names look alike. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
/** As a name, up to 64 long, and in lower case. */
const roomPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Whether an account may have this name. */
export function isName(text: string): boolean {
  return namePattern.test(text);
}

/** The form under which names are compared: `Ann` and `ann` are one account. */
export function foldName(name: string): string {
  return name.toLowerCase();
}

/** What a client may ask for as a room: `general`, or `@bob` for the conversation with bob. */
export type RoomRequest =
  | { readonly type: 'room'; readonly name: string }
  | { readonly type: 'direct'; readonly with: string };

/** Reads a room as a client writes it; undefined when it is none. */
export function parseRoom(text: string): RoomRequest | undefined {
  if (text.startsWith('@')) return isName(text.slice(1)) ? { type: 'direct', with: text.slice(1) } : undefined;
  const name = text.startsWith('#') ? text.slice(1) : text;
  return roomPattern.test(name) ? { type: 'room', name } : undefined;
}

/** Matches `*` and `?` as in file names, without regard to case, in time proportional to both lengths. */
export function matchesPattern(pattern: string, name: string): boolean {
  const [wanted, text] = [pattern.toLowerCase(), name.toLowerCase()];
  let [at, star, resume] = [0, -1, 0];
  let position = 0;
  while (position < text.length) {
    if (at < wanted.length && (wanted[at] === '?' || wanted[at] === text[position]) && wanted[at] !== '*') {
      at++;
      position++;
    } else if (wanted[at] === '*') {
      star = at++;
      resume = position;
    } else if (star >= 0) {
      at = star + 1;
      position = ++resume;
    } else {
      return false;
    }
  }
  while (wanted[at] === '*') at++;
  return at === wanted.length;
}
