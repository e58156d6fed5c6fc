export type {
  Address,
  Aead,
  ByteStream,
  Cancel,
  Clock,
  Disk,
  FifoTransport,
  LogFields,
  Logger,
  LogLevel,
  Millis,
  NodeId,
  Random,
  StreamEnd,
  StreamHandlers,
  Streams,
  Transport,
} from './ports.ts';
export { formatAddress, parseAddress, tryParseAddress, type HostPort } from './address.ts';
export { BandwidthMeter, type BandwidthReport, type Traffic } from './bandwidth.ts';
export { defineConfig, type ConfigDefinition, type ConfigOf, type ConfigRule, type ConfigTable } from './config.ts';
export { Deadlines } from './deadlines.ts';
export { drive, type DriveOptions, type Driver } from './driver.ts';
export { defineErrors, exitCodes, GrpError, httpStatuses, invariant, InvariantError } from './errors.ts';
export type { ErrorDetails, ErrorKind, ErrorText, GrpErrorInit } from './errors.ts';
export { Events, type IterateOptions } from './events.ts';
export { freeMemory } from './free-memory.ts';
export { Keyring, type KeyringOptions } from './keyring.ts';
export { silentLogger } from './logger.ts';
export { wake, type Machine, type Wake } from './machine.ts';
export { below, chance, fraction, pick, sample, shuffle } from './random.ts';
export { sanitizeText, type SanitizeOptions } from './sanitize.ts';
export { systemClock, systemRandom } from './system.ts';
