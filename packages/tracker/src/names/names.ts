import { confusables } from './confusables.ts';
import { isOneScript } from './scripts.ts';

/** Code points of a nick or a group's name. */
export const nameLengthMax = 32;

/** Why a name is none: `shape` (length, characters), `scripts` (letters of two scripts that nobody mixes). */
export type NameProblem = 'shape' | 'scripts';

/** A name that was found to be allowed. */
export interface Name {
  /** As people read it: NFC. */
  readonly name: string;
  /** Equal for names that cannot be told apart: what names are compared by. */
  readonly folded: string;
}

// A letter or digit first, so that `-flag`, `.`, `_` and combining marks never begin a name. Nothing invisible, no
// bidirectional control, no escape: they are neither letters nor marks in use.
const shape = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u;
// Three marks on one letter reach into the lines above and below.
const stacked = /\p{M}{3}/u;
const hidden = /\p{Default_Ignorable_Code_Point}/u;

/**
 * Checks a nick or the name of a group: letters, marks, digits, `.`, `_`, `-`, at most 32, in one script. Whatever is
 * wrong is refused, never silently changed: the user must see the name that others see.
 */
export function checkName(given: string): Name | NameProblem {
  if (given.length > nameLengthMax * 8) return 'shape';
  const name = given.normalize('NFC');
  const length = Array.from(name).length;
  if (length < 1 || length > nameLengthMax || !shape.test(name) || stacked.test(name) || hidden.test(name)) {
    return 'shape';
  }
  const folded = foldName(name);
  if (folded === '' || folded.length > nameLengthMax * 8) return 'shape';
  return isOneScript(name.normalize('NFKC')) ? { name, folded } : 'scripts';
}

/**
 * Names that look alike fold to the same text: compatibility forms (NFKC), case (full folding by way of upper case, so
 * that ß is ss and every sigma is one), accents kept, look-alikes as in UTS #39 §4 with a table of our own. It is coarser
 * than Unicode's skeleton on purpose: `Ian`, `lan` and `1an` are one name, whatever the case.
 */
export function foldName(name: string): string {
  const caseless = name.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase();
  let folded = '';
  // Decomposed, so that an accent stays while the letter below it is looked up.
  for (const letter of caseless.normalize('NFKD')) folded += confusables.get(letter) ?? letter;
  return folded.normalize('NFC');
}
