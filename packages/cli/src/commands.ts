import type { Command } from '@oclif/core';
import { Bench } from './commands/bench.ts';
import { ChatDeleteAccount } from './commands/chat/delete-account.ts';
import { ChatHistory } from './commands/chat/history.ts';
import { ChatLogin } from './commands/chat/login.ts';
import { ChatLogout } from './commands/chat/logout.ts';
import { ChatPasswd } from './commands/chat/passwd.ts';
import { ChatRegister } from './commands/chat/register.ts';
import { ChatRooms } from './commands/chat/rooms.ts';
import { ChatSend } from './commands/chat/send.ts';
import { ChatUnread } from './commands/chat/unread.ts';
import { ChatUsers } from './commands/chat/users.ts';
import { ChatWatch } from './commands/chat/watch.ts';
import { ClusterDown } from './commands/cluster/down.ts';
import { ClusterHeal } from './commands/cluster/heal.ts';
import { ClusterKill } from './commands/cluster/kill.ts';
import { ClusterLogs } from './commands/cluster/logs.ts';
import { ClusterPartition } from './commands/cluster/partition.ts';
import { ClusterPause } from './commands/cluster/pause.ts';
import { ClusterRestart } from './commands/cluster/restart.ts';
import { ClusterResume } from './commands/cluster/resume.ts';
import { ClusterStatus } from './commands/cluster/status.ts';
import { ClusterUp } from './commands/cluster/up.ts';
import { ClusterWait } from './commands/cluster/wait.ts';
import { Completion } from './commands/completion.ts';
import { Demo } from './commands/demo.ts';
import { DfsCat } from './commands/dfs/cat.ts';
import { DfsGet } from './commands/dfs/get.ts';
import { DfsLs } from './commands/dfs/ls.ts';
import { DfsPut } from './commands/dfs/put.ts';
import { DfsRepair } from './commands/dfs/repair.ts';
import { DfsRm } from './commands/dfs/rm.ts';
import { DfsStat } from './commands/dfs/stat.ts';
import { DfsStore } from './commands/dfs/store.ts';
import { DfsVersions } from './commands/dfs/versions.ts';
import { Doctor } from './commands/doctor.ts';
import { GmsKill } from './commands/gms/kill.ts';
import { GmsMcast } from './commands/gms/mcast.ts';
import { GmsTail } from './commands/gms/tail.ts';
import { GmsView } from './commands/gms/view.ts';
import { GmsWorkers } from './commands/gms/workers.ts';
import { LabExport } from './commands/lab/export.ts';
import { Console } from './console/command.ts';
import { LabLs } from './commands/lab/ls.ts';
import { LabMaelstrom } from './commands/lab/maelstrom.ts';
import { LabReplay } from './commands/lab/replay.ts';
import { LabRun } from './commands/lab/run.ts';
import { LabOpen } from './lab/open.ts';
import { Messenger } from './commands/messenger.ts';
import { NodeEvents } from './commands/node/events.ts';
import { NodeStart } from './commands/node/start.ts';
import { NodeStatus } from './commands/node/status.ts';
import { NodeStop } from './commands/node/stop.ts';
import { RaftAdd } from './commands/raft/add.ts';
import { RaftLog } from './commands/raft/log.ts';
import { RaftPromote } from './commands/raft/promote.ts';
import { RaftRemove } from './commands/raft/remove.ts';
import { RaftSnapshot } from './commands/raft/snapshot.ts';
import { RaftStatus } from './commands/raft/status.ts';
import { RaftTransfer } from './commands/raft/transfer.ts';
import { SimExplain } from './commands/sim/explain.ts';
import { SimRun } from './commands/sim/run.ts';
import { SwimBandwidth } from './commands/swim/bandwidth.ts';
import { SwimEvent } from './commands/swim/event.ts';
import { SwimEvents } from './commands/swim/events.ts';
import { SwimJoin } from './commands/swim/join.ts';
import { SwimKeys } from './commands/swim/keys.ts';
import { SwimLeave } from './commands/swim/leave.ts';
import { SwimMembers } from './commands/swim/members.ts';
import { SwimQuery } from './commands/swim/query.ts';
import { SwimReset } from './commands/swim/reset.ts';
import { SwimRtt } from './commands/swim/rtt.ts';
import { SwimTags } from './commands/swim/tags.ts';
import { Top } from './commands/top.ts';
import { TrackerBan } from './commands/tracker/ban.ts';
import { TrackerGroups } from './commands/tracker/groups.ts';
import { TrackerInvite } from './commands/tracker/invite.ts';
import { TrackerKick } from './commands/tracker/kick.ts';
import { TrackerMembers } from './commands/tracker/members.ts';
import { TrackerMetrics } from './commands/tracker/metrics.ts';
import { TrackerPolicy } from './commands/tracker/policy.ts';

/** Every command, by noun and verb. Heavy things are imported inside `run`, so that help and errors stay fast. */
export const COMMANDS = {
  'node:start': NodeStart,
  'node:stop': NodeStop,
  'node:status': NodeStatus,
  'node:events': NodeEvents,
  'cluster:up': ClusterUp,
  'cluster:status': ClusterStatus,
  'cluster:down': ClusterDown,
  'cluster:kill': ClusterKill,
  'cluster:pause': ClusterPause,
  'cluster:resume': ClusterResume,
  'cluster:restart': ClusterRestart,
  'cluster:partition': ClusterPartition,
  'cluster:heal': ClusterHeal,
  'cluster:logs': ClusterLogs,
  'cluster:wait': ClusterWait,
  'swim:members': SwimMembers,
  'swim:join': SwimJoin,
  'swim:leave': SwimLeave,
  'swim:events': SwimEvents,
  'swim:bandwidth': SwimBandwidth,
  'swim:reset': SwimReset,
  'swim:tags': SwimTags,
  'swim:keys': SwimKeys,
  'swim:rtt': SwimRtt,
  'swim:event': SwimEvent,
  'swim:query': SwimQuery,
  'gms:view': GmsView,
  'gms:mcast': GmsMcast,
  'gms:tail': GmsTail,
  'gms:workers': GmsWorkers,
  'gms:kill': GmsKill,
  'chat:register': ChatRegister,
  'chat:login': ChatLogin,
  'chat:logout': ChatLogout,
  'chat:passwd': ChatPasswd,
  'chat:delete-account': ChatDeleteAccount,
  'chat:users': ChatUsers,
  'chat:rooms': ChatRooms,
  'chat:send': ChatSend,
  'chat:history': ChatHistory,
  'chat:watch': ChatWatch,
  'chat:unread': ChatUnread,
  'raft:status': RaftStatus,
  'raft:add': RaftAdd,
  'raft:promote': RaftPromote,
  'raft:remove': RaftRemove,
  'raft:transfer': RaftTransfer,
  'raft:snapshot': RaftSnapshot,
  'raft:log': RaftLog,
  'dfs:put': DfsPut,
  'dfs:get': DfsGet,
  'dfs:cat': DfsCat,
  'dfs:ls': DfsLs,
  'dfs:store': DfsStore,
  'dfs:rm': DfsRm,
  'dfs:versions': DfsVersions,
  'dfs:stat': DfsStat,
  'dfs:repair': DfsRepair,
  'lab:run': LabRun,
  'lab:open': LabOpen,
  'lab:ls': LabLs,
  'lab:replay': LabReplay,
  'lab:export': LabExport,
  'lab:maelstrom': LabMaelstrom,
  'sim:run': SimRun,
  'sim:explain': SimExplain,
  messenger: Messenger,
  'tracker:groups': TrackerGroups,
  'tracker:members': TrackerMembers,
  'tracker:metrics': TrackerMetrics,
  'tracker:policy': TrackerPolicy,
  'tracker:kick': TrackerKick,
  'tracker:ban': TrackerBan,
  'tracker:invite': TrackerInvite,
  bench: Bench,
  console: Console,
  doctor: Doctor,
  top: Top,
  demo: Demo,
  completion: Completion,
} satisfies Record<string, Command.Class>;
