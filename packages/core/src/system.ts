// The one file of core that touches the world. It uses only what Node and browsers share.
import type { Clock, Random } from './ports.ts';

// setTimeout takes at most 2³¹−1 ms; a longer wait is made of several.
const timeoutMsMax = 2_147_483_647;

/** The host's monotonic clock and timers. */
export function systemClock(): Clock {
  const now = (): number => performance.now();
  return {
    now,
    wallMs: () => Date.now(),
    wakeAt(at, callback) {
      let timer: ReturnType<typeof setTimeout>;
      const arm = (): void => {
        // Timers may fire up to a millisecond early; the port promises never to.
        const waitMs = Math.max(0, Math.ceil(at - now()));
        timer = setTimeout(() => (now() < at ? arm() : callback()), Math.min(waitMs, timeoutMsMax));
      };
      arm();
      return () => clearTimeout(timer);
    },
  };
}

/** Cryptographic chance from the host; every fork is independent. */
export function systemRandom(): Random {
  const buffer = new Uint32Array(256);
  let index = buffer.length;
  const random: Random = {
    nextU32() {
      if (index === buffer.length) {
        crypto.getRandomValues(buffer);
        index = 0;
      }
      return buffer[index++] as number;
    },
    fork: () => random,
  };
  return random;
}
