import { defineErrors, GrpError, sanitizeText, type ErrorKind } from '@grp/core';
import { invocation } from './invocation.ts';

const grp = invocation();

/** Every error that the command line itself can give, with what to do about it. */
export const cliError = defineErrors({
  CLI_USAGE: { kind: 'usage', message: '$what', hint: 'Add --help to see how it is used.' },
  CLI_UNKNOWN_COMMAND: {
    kind: 'usage',
    message: '"$command" is no command.',
    hint: `See them all with: ${grp} --help`,
  },
  CLI_UNKNOWN_FLAG: { kind: 'usage', message: 'There is no flag $flags.', hint: 'Add --help to see the flags.' },
  CLI_ARGUMENT: { kind: 'usage', message: '$what', hint: 'Add --help to see the arguments.' },
  CLI_FLAG_VALUE: { kind: 'usage', message: '--$flag: $what', hint: 'Add --help to see what the flag takes.' },
  CLI_VALUE: { kind: 'usage', message: '$what', hint: 'Add --help to see what is taken.' },
  CLI_CONFIG_UNREADABLE: {
    kind: 'not-found',
    message: 'The config file $file cannot be read: $reason.',
    hint: 'Check the path given by --config or GRP_CONFIG.',
  },
  CLI_CONFIG_INVALID: {
    kind: 'usage',
    message: 'The config file $file is not usable: $problems.',
    hint: 'Keys are flag names without dashes in front (base-port: 7946), and `swim:` for settings of membership.',
  },
  CLI_FILE_UNREADABLE: { kind: 'not-found', message: '$file cannot be read: $reason.', hint: 'Check the path.' },
  CLI_KEY_FILE_OPEN: {
    kind: 'denied',
    message: 'The secret in $file can be read by other users of this machine (mode $mode).',
    hint: 'Run: chmod 600 $file',
  },
  CLI_NODE_UNREACHABLE: {
    kind: 'unreachable',
    message: 'No node answers at $url ($reason).',
    hint: `Start one with "${grp} node start" or "${grp} cluster up", or name another with --node URL.`,
  },
  CLI_NODE_TIMEOUT: {
    kind: 'unreachable',
    message: 'The node at $url did not answer within $timeoutMs ms.',
    hint: 'It may be paused or busy; allow more with --timeout 30s.',
  },
  CLI_JOIN_TIMEOUT: {
    kind: 'unreachable',
    message: 'None of the seeds answered within $timeoutMs ms: $seeds.',
    hint: `Check that they run and can be reached (${grp} doctor --peer HOST:PORT); --timeout 0 waits for ever.`,
  },
  CLI_NODE_ANSWER: {
    kind: 'failure',
    message: 'What answers at $url is no grp node, or of another version ($reason).',
    hint: 'Check the URL; the HTTP port is the base port plus 7.',
  },
  CLI_IO: {
    kind: 'failure',
    message: '$what',
    hint: 'Check that the file or folder is there and may be used, and that there is space.',
  },
  CLI_INTERRUPTED: { kind: 'failure', message: 'Interrupted by $signal: $what.' },
  CLI_INTERNAL: {
    kind: 'failure',
    message: 'grp itself failed: $what',
    hint: 'This is a bug. Run again with GRP_DEBUG=1 and report what it prints.',
  },
  CHAT_PASSWORD_NEEDED: {
    kind: 'usage',
    message: 'A password is needed.',
    hint: 'Type it at a terminal, or give it as a line of stdin with --password-stdin.',
  },
  CHAT_PASSWORDS_DIFFER: { kind: 'usage', message: 'The two passwords differ.', hint: 'Type the same one twice.' },
  CHAT_NO_SERVERS: {
    kind: 'not-found',
    message: 'There are no chat servers in $dir.',
    hint: `Start some with "${grp} cluster up --role chat", or name them with --servers or --cluster-config.`,
  },
  GMS_WORKERS_DIVERGED: {
    kind: 'violated',
    message: 'Workers showed different colours after message $sequence.',
    hint: 'This is a bug in grp: keep the logs of the nodes and report it.',
  },
  GMS_NO_MEMBERS: {
    kind: 'not-found',
    message: 'No node of the cluster in $dir has the role gms.',
    hint: `Start one with: ${grp} cluster up --role swim,gms`,
  },
  CLUSTER_NONE: {
    kind: 'not-found',
    message: 'There is no cluster in $dir.',
    hint: `Start one with "${grp} cluster up", or say where it is with --dir.`,
  },
  CLUSTER_EXISTS: {
    kind: 'conflict',
    message: 'A cluster already runs in $dir ($running of $count nodes alive).',
    hint: `Stop it with "${grp} cluster down", or use another --dir.`,
  },
  CLUSTER_STATE_INVALID: {
    kind: 'failure',
    message: '$file is not a cluster state that this version can read.',
    hint: 'Remove the file if no node of it runs any more.',
  },
  CLUSTER_BUSY: {
    kind: 'conflict',
    message: 'Another grp command has held $file for too long.',
    hint: 'Wait for it to finish; remove the file if none runs.',
  },
  CLUSTER_NODE_UNKNOWN: { kind: 'not-found', message: 'There is no node $id.', hint: 'The nodes are: $ids.' },
  CLUSTER_NODE_STATE: {
    kind: 'conflict',
    message: 'Node $id is $state; this needs it $wanted.',
    hint: `Look at it with: ${grp} cluster status`,
  },
  CLUSTER_PORT_IN_USE: {
    kind: 'conflict',
    message: 'Port $port on $host is taken.',
    hint: 'Choose another --base-port, or --base-port 0 for free ones.',
  },
  CLUSTER_START_FAILED: { kind: 'failure', message: 'Node $id did not start: $reason', hint: 'Its log is $log' },
  CLUSTER_START_TIMEOUT: {
    kind: 'unreachable',
    message: 'Node $id was not ready within $timeoutMs ms.',
    hint: 'Its log is $log; allow more with --timeout 2m.',
  },
  CLUSTER_WAIT_TIMEOUT: {
    kind: 'unreachable',
    message: 'The cluster was not $goal within $timeoutMs ms: $reason.',
    hint: `Look at it with: ${grp} cluster status`,
  },
  CLUSTER_NO_LEADER_ROLE: {
    kind: 'usage',
    message: 'No role of this cluster elects a leader.',
    hint: 'Wait for ready or converged instead; the roles gms, raft and chat have leaders.',
  },
  DEMO_PROMISE_BROKEN: {
    kind: 'violated',
    message: 'The demo measured what must not happen: $promises.',
    hint: 'Run it again on a machine with less to do; if it stays so, report it.',
  },
  DEMO_FAILED: {
    kind: 'failure',
    message: 'The demo could not finish: $reason',
    hint: `Look at this machine with: ${grp} doctor`,
  },
});

const kindOfStatus: Readonly<Record<number, ErrorKind>> = {
  400: 'usage',
  401: 'denied',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
  416: 'usage',
  503: 'no-quorum',
  504: 'unreachable',
};

/** The error that a node answered with, as if it had happened here. */
export function errorFromAnswer(status: number, body: unknown, url: string): GrpError {
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : undefined;
  if (typeof error?.['code'] !== 'string' || typeof error['message'] !== 'string') {
    return cliError('CLI_NODE_ANSWER', { context: { url, reason: `status ${status}` } });
  }
  return new GrpError({
    code: sanitizeText(error['code'], { lengthMax: 80 }),
    message: sanitizeText(error['message'], { lengthMax: 1_000 }),
    kind: kindOfStatus[status] ?? 'failure',
    hint: typeof error['hint'] === 'string' ? sanitizeText(error['hint'], { lengthMax: 1_000 }) : undefined,
  });
}

/** A JSON object, not null and not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
