import type { LogFields } from './ports.ts';

/** What kind of trouble it is. Each kind has one exit code and one HTTP status, here and nowhere else. */
export type ErrorKind =
  | 'failure'
  | 'usage'
  | 'not-found'
  | 'denied'
  | 'unreachable'
  | 'conflict'
  | 'no-quorum'
  | 'violated';

/** The exit code of a command that ends with an error of this kind. */
export const exitCodes: Readonly<Record<ErrorKind, number>> = {
  failure: 1,
  usage: 2,
  'not-found': 3,
  denied: 4,
  unreachable: 5,
  conflict: 6,
  'no-quorum': 7,
  violated: 8,
};

/** The HTTP status that answers an error of this kind. */
export const httpStatuses: Readonly<Record<ErrorKind, number>> = {
  failure: 500,
  usage: 400,
  'not-found': 404,
  denied: 403,
  unreachable: 504,
  conflict: 409,
  'no-quorum': 503,
  violated: 500,
};

/** What to do where the error itself does not say: the document always has a hint. */
const hintsOfKind: Readonly<Record<ErrorKind, string>> = {
  failure: 'Try again; if it stays so, the log says more.',
  usage: 'Correct what was given. Nothing was done.',
  'not-found': 'Check the name.',
  denied: 'Use an account or a token that may do this.',
  unreachable: 'Check that it runs and can be reached, or allow more time.',
  conflict: 'Look at how things are now, and decide again.',
  'no-quorum': 'Wait until a majority is back, and try again.',
  violated: 'Keep the output and the logs, and report it.',
};

/** What an error is made of. */
export interface GrpErrorInit {
  /** Stable and searchable, `PACKAGE_WHAT`. Never reused for something else. */
  readonly code: string;
  readonly message: string;
  readonly kind: ErrorKind;
  /** What the reader can do about it, as one sentence. */
  readonly hint?: string | undefined;
  readonly context?: LogFields | undefined;
  readonly cause?: unknown;
}

/** An error that the caller can act on. A bug throws `InvariantError`; a misbehaving peer is dropped and counted. */
export class GrpError extends Error {
  override readonly name = 'GrpError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly context: LogFields;

  constructor(init: GrpErrorInit) {
    super(init.message, { cause: init.cause });
    this.code = init.code;
    this.kind = init.kind;
    this.hint = init.hint;
    this.context = init.context ?? {};
  }

  /** The document that `--json` and the HTTP API give: always with a hint, in need that of the kind. */
  toJSON(): { readonly code: string; readonly message: string; readonly hint: string } {
    const { code, message, hint = hintsOfKind[this.kind] } = this;
    return { code, message, hint };
  }
}

/** What a table says of one code. */
export interface ErrorText {
  readonly kind: ErrorKind;
  /** `$name` is replaced by the context's value of that name. */
  readonly message: string;
  readonly hint?: string;
}

/** What an error of a table is told of its case. */
export interface ErrorDetails {
  readonly context?: LogFields | undefined;
  readonly cause?: unknown;
  /** Replaces the table's hint. */
  readonly hint?: string | undefined;
}

/**
 * Makes a package's error factory from its table of codes, so that the compiler keeps the messages complete.
 * @example
 * const swimError = defineErrors({ SWIM_NAME_TAKEN: { kind: 'conflict', message: '$name is already a member.' } });
 * throw swimError('SWIM_NAME_TAKEN', { context: { name: 'ann' } });
 */
export function defineErrors<Code extends string>(
  table: Readonly<Record<Code, ErrorText>>,
): (code: Code, details?: ErrorDetails) => GrpError {
  return (code, { context, cause, hint } = {}) => {
    const text = table[code];
    const fill = (template: string): string =>
      template.replaceAll(/\$(\w+)/g, (whole, name: string) => String(context?.[name] ?? whole));
    return new GrpError({
      code,
      kind: text.kind,
      message: fill(text.message),
      hint: hint ?? (text.hint === undefined ? undefined : fill(text.hint)),
      context,
      cause,
    });
  };
}

/** A bug in grp itself, found by `invariant`. Nobody catches it on purpose: the node stops. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** States what must be true whatever the user, a peer or the network does. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${what}`);
}
