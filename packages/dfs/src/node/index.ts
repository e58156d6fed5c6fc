export { openBlobStore, type BlobStore, type OpenBlobStoreOptions } from './store/blob-store.ts';
export type { StoredBlob, StoreStatus } from './store/blob-store.ts';
export { scrub, type ScrubOptions, type ScrubReport } from './store/scrub.ts';
export { storeConfig, type StoreConfig } from './store/config.ts';
export { createFileServer, type FileServer, type FileServerOptions, type FileServerStatus } from './net/file-server.ts';
export { transferConfig, type TransferConfig } from './net/config.ts';
export { fileServerOrders } from './net/orders.ts';
export { Peers, type PeersOptions } from './net/peers.ts';
export { tcpStreams, type TcpStreamsOptions } from './net/tcp-streams.ts';
