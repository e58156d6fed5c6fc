export { streamsConformance, type OpenStreams, type StreamsFeature } from './conformance/streams.ts';
export { transportConformance, type OpenTransports, type TransportFeature } from './conformance/transport.ts';
export { ConformanceError } from './conformance/suite.ts';
export type { Environment, SuiteOptions, Supports, TestFunction } from './conformance/suite.ts';
