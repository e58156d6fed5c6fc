import picocolors from 'picocolors';

/** A set of colours, real or not. */
export type Colours = ReturnType<typeof picocolors.createColors>;

/**
 * Colours for a stream: only on a terminal that can show them, never with `--no-color` or NO_COLOR, always with
 * FORCE_COLOR.
 */
export function coloursFor(stream: { readonly isTTY?: boolean }, off: boolean): Colours {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  const possible = stream.isTTY === true && TERM !== 'dumb';
  const unwanted = off || (NO_COLOR !== undefined && NO_COLOR !== '');
  return picocolors.createColors(!unwanted && (forced || possible));
}

/** A member's or node's state in its colour; the word itself says the same without. */
export function statusText(status: string, colours: Colours): string {
  switch (status) {
    case 'alive':
    case 'running':
      return colours.green(status);
    case 'suspect':
    case 'starting':
    case 'stopping':
    case 'paused':
      return colours.yellow(status);
    case 'down':
    case 'killed':
    case 'exited':
      return colours.red(status);
    default:
      return colours.dim(status);
  }
}
