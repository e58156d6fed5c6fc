/** Red, green and blue, 0 … 255 each. */
export type Colour = readonly [red: number, green: number, blue: number];

const stateBytes = 3;

/**
 * The demo application of group communication: a colour that every message changes. The change turns the three channels
 * round, so that messages in another order give another colour: workers that show the same colour have seen the same
 * row (KTH ID2201, "Groupy").
 */
export class Worker {
  #colour: Colour = [0, 0, 0];

  get colour(): Colour {
    return this.#colour;
  }

  /** `#rrggbb`. */
  get hex(): string {
    return `#${this.#colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
  }

  /** Takes any message in. */
  deliver(payload: Uint8Array): void {
    this.#colour = nextColour(this.#colour, changeOf(payload));
  }

  /** The state, for those who join later. */
  capture(): Uint8Array {
    return Uint8Array.from(this.#colour);
  }

  /** Takes over a state. False: these bytes are none, and nothing has changed. */
  restore(state: Uint8Array): boolean {
    const [red, green, blue] = state;
    if (red === undefined || green === undefined || blue === undefined || state.length !== stateBytes) return false;
    this.#colour = [red, green, blue];
    return true;
  }
}

/** Turns the channels round and adds `change` to the one that comes last. */
export function nextColour([red, green, blue]: Colour, change: number): Colour {
  return [green, blue, (red + change) & 0xff];
}

/** What a message does to the colour: a byte that depends on all of its bytes (FNV-1a, folded). */
function changeOf(payload: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of payload) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff;
}
