export { blobIdFrom } from './blob-id.ts';
export { decodeReply, decodeRequest, encodeReply, encodeRequest } from './codec.ts';
export { clientConfig, masterConfig, metaConfig, serviceConfig } from './config.ts';
export type { ClientConfig, MasterConfig, MetaConfig, ServiceConfig } from './config.ts';
export { dfsError } from './errors.ts';
export { MasterMachine, type MasterOptions } from './master/machine.ts';
export type { CopyFinding, CopyOrder, CopyProblem, DeletionOrder, VerifyOrder } from './master/types.ts';
export type { MasterEffect, MasterInput } from './master/types.ts';
export type { HeldBlob, MetaReply, MetaRequest } from './messages.ts';
export { describeEntry } from './meta/describe.ts';
export { DfsMeta } from './meta/meta.ts';
export { safeRules, writeQuorumOf, type MetaRules } from './meta/records.ts';
export type { Ack, BlobId, FileServer, FileSummary, Manifest, RepairStatus, ServerId, ServerView } from './model.ts';
export { assertName, nameBytesMax, nameFromBytes, nameProblem } from './names.ts';
export { placeReplicas, type PlacementOptions } from './placement.ts';
export type { Membership, ReplicatedLog } from './ports.ts';
export { RequestMachine, type RequestMachineOptions } from './service/request-machine.ts';
export type { LogFailure, MasterRequest, RequestEffect, RequestInput } from './service/requests.ts';
export {
  createMetaService,
  type FileServerOrders,
  type MetaService,
  type MetaServiceOptions,
} from './service/service.ts';
export { messageBytesMax } from './validate.ts';
export type { Failure } from './client/failure.ts';
export { GetMachine } from './client/get-machine.ts';
export type { GetEffect, GetInput, GetOptions, ReadProblem } from './client/get-types.ts';
export { PutMachine } from './client/put-machine.ts';
export type { PutEffect, PutInput, PutOptions, StreamProblem } from './client/put-types.ts';
