export type {
  JoinedGroup,
  RequestOptions,
  TrackerClient,
  TrackerClientState,
  TrackerEvent,
  TrackerSession,
  TrackerView,
} from './client/api.ts';
export { createTrackerClient, relayBytesMax, type TrackerClientOptions } from './client/client.ts';
export { trackerClientConfig, trackerConfig, type TrackerClientConfig, type TrackerConfig } from './config.ts';
export type { TrackerErrorCode } from './errors.ts';
export { LatencyHistogram, type LatencyBuckets } from './histogram.ts';
export { checkName, foldName, type Name, type NameProblem } from './names/names.ts';
export type { Signer, TrackerCrypto } from './ports.ts';
export type { GroupMetrics, TrackerHealth } from './server/reports.ts';
export { createTracker } from './server/server.ts';
export type { Tracker, TrackerFault, TrackerMetrics, TrackerOptions, TrackerPorts } from './server/server.ts';
export type { Succession, SuccessionStatement, SuccessionView } from './succession.ts';
export { verifyTicket, type Ticket, type TicketProblem, type VerifyTicketOptions } from './ticket.ts';
export type {
  Command,
  CommandBody,
  CommandName,
  GroupAccess,
  GroupInfo,
  GroupOrder,
  GroupReport,
  GroupRole,
  LeaveReason,
  TrackerMember,
} from './wire/messages.ts';
export type { ListedMember, ResultOf } from './wire/results.ts';
export { AgreementMachine, type AgreementMachineOptions } from './agreement/machine.ts';
export type { AgreementEffect, AgreementInput, AgreementStatus } from './agreement/machine.ts';
export { decodeAgreement, encodeAgreement, type AgreementMessage } from './agreement/messages.ts';
