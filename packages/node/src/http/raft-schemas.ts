import { body, timeoutMs } from './schemas.ts';

// JSON schemas of the bodies that `/v1/raft/…` takes.

const id = { type: 'string', minLength: 1, maxLength: 256 } as const;
const group = { type: 'string', minLength: 1, maxLength: 64 } as const;
const text = { type: 'string', maxLength: 60_000 } as const;

export const memberBody = body({ id, group, timeoutMs }, ['id']);
export const addBody = body({ id, group, timeoutMs, address: { type: 'string', minLength: 3, maxLength: 300 } }, [
  'id',
  'address',
]);
export const snapshotBody = body({ group, timeoutMs });
export const transferBody = body({ id, group });

export const mapBody = body(
  {
    type: { type: 'string', enum: ['put', 'get', 'delete', 'compare-and-set'] },
    key: { type: 'string', minLength: 1, maxLength: 1_024 },
    value: text,
    expected: text,
  },
  ['type', 'key'],
);
