export { nodeCrypto } from './crypto.ts';
export { tlsStreams, type TlsClientOptions, type TlsServerOptions, type TlsStreamsOptions } from './tls-streams.ts';
