export type { Ack, BlobId, FileServer, FileSummary, Manifest, RepairStatus, ServerId, ServerView } from './model.ts';
export type {
  AbandonPut,
  AddHolders,
  CommitPut,
  Committed,
  Conditions,
  Conflict,
  HeldBlob,
  HoldReport,
  Join,
  Joined,
  MetaReply,
  MetaRequest,
  OpenPut,
  Placement,
} from './messages.ts';
export type { Membership, ReplicatedLog } from './ports.ts';
