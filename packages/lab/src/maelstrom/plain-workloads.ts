import type { Workload, WorkloadContext } from './workload.ts';

/** `echo`: says what was said. */
export function echoWorkload(): Workload {
  return {
    request: ({ type, echo }, reply) => {
      if (type === 'echo') reply.ok({ echo });
      return type === 'echo';
    },
    receive: () => {},
    stop: () => {},
  };
}

/** `unique-ids`: numbers that no other node gives, and no other life of this one. Needs nobody. */
export function uniqueIdsWorkload({ self, random }: WorkloadContext): Workload {
  const life = `${random.nextU32().toString(36)}${random.nextU32().toString(36)}`;
  let number = 0;
  return {
    request: ({ type }, reply) => {
      if (type === 'generate') reply.ok({ id: `${self}-${life}-${++number}` });
      return type === 'generate';
    },
    receive: () => {},
    stop: () => {},
  };
}
