import { defineFields, encodeKey, Reader } from '../msgpack/reader.ts';
import { sharedWriter } from '../msgpack/writer.ts';

/** A network coordinate (Vivaldi, Dabek et al. 2004, with a height): seconds. Agents use eight dimensions. */
export interface Coordinate {
  /** At most 64 numbers are read. */
  readonly vector: readonly number[];
  readonly error: number;
  readonly adjustment: number;
  readonly height: number;
}

const payloadVersion = 1;
const dimensionsMax = 64;
const fields = defineFields('Adjustment', 'Error', 'Height', 'Vec');
const key = {
  adjustment: encodeKey('Adjustment'),
  error: encodeKey('Error'),
  height: encodeKey('Height'),
  vector: encodeKey('Vec'),
};

/** What a Serf agent puts into its acks: a version byte and the map of its coordinate. */
export function encodeCoordinatePayload(coordinate: Coordinate): Uint8Array {
  const writer = sharedWriter();
  writer.byte(payloadVersion);
  writer.map(4);
  writer.key(key.adjustment);
  writer.float(coordinate.adjustment);
  writer.key(key.error);
  writer.float(coordinate.error);
  writer.key(key.height);
  writer.float(coordinate.height);
  writer.key(key.vector);
  writer.array(coordinate.vector.length);
  for (const component of coordinate.vector) writer.float(component);
  return writer.finish();
}

/**
 * The coordinate in an ack's payload; undefined when there is none, or when a number in it is not finite, for one NaN
 * would spoil every coordinate computed from it. The caller checks the number of dimensions. Never throws.
 */
export function decodeCoordinatePayload(payload: Uint8Array): Coordinate | undefined {
  if (payload[0] !== payloadVersion) return undefined;
  const reader = new Reader(payload, 1, payload.length);
  let error = 0;
  let adjustment = 0;
  let height = 0;
  let vector: number[] = [];
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.key(fields)) {
      case 'Adjustment':
        adjustment = reader.float();
        break;
      case 'Error':
        error = reader.float();
        break;
      case 'Height':
        height = reader.float();
        break;
      case 'Vec':
        vector = readVector(reader);
    }
  }
  reader.finish();
  const finite = [error, adjustment, height, ...vector].every((number) => Number.isFinite(number));
  return reader.problem === undefined && finite ? { vector, error, adjustment, height } : undefined;
}

function readVector(reader: Reader): number[] {
  const count = reader.array();
  if (count > dimensionsMax) reader.fail('too-long');
  const vector: number[] = [];
  for (let index = 0; index < count && reader.problem === undefined; index++) vector.push(reader.float());
  return vector;
}
