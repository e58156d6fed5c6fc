import { request } from 'node:http';
import { formatAddress } from '@grp/core';
import { ok, warning, type Finding } from './finding.ts';

const httpOffset = 7;
/** HTTP says whole seconds. */
const skewMsMax = 2_000;

/** How far a peer's clock is from ours, as the `Date` of its HTTP API says, if that can be reached from here. */
export async function checkSkew(host: string, swimPort: number, timeoutMs: number): Promise<Finding> {
  const where = formatAddress(host, swimPort + httpOffset);
  const answer = await dateOf(host, swimPort + httpOffset, timeoutMs);
  if (answer === undefined)
    return ok('clock-skew', `The HTTP API at ${where} is not reachable from here: its clock is not compared.`);
  // The header was made some time during the request, and was cut to a second.
  const early = answer.sentAt - (answer.theirMs + 1_000);
  const late = answer.theirMs - answer.heardAt;
  const skewMs = Math.max(0, early, late);
  if (skewMs <= skewMsMax) return ok('clock-skew', `The clock of ${where} agrees with ours within two seconds.`);
  return warning(
    'clock-skew',
    `The clock of ${where} is ${late > early ? 'ahead of' : 'behind'} ours by ${Math.round(skewMs / 1_000)} s.`,
    'Keep both set, with timedatectl set-ntp true: incarnations of members and expiry of sessions go by the clock.',
  );
}

interface Answer {
  readonly theirMs: number;
  readonly sentAt: number;
  readonly heardAt: number;
}

function dateOf(host: string, port: number, timeoutMs: number): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const sentAt = Date.now();
    const question = request({ host, port, path: '/livez', timeout: timeoutMs }, ({ headers }) => {
      const theirMs = Date.parse(headers.date ?? '');
      question.destroy();
      resolve(Number.isNaN(theirMs) ? undefined : { theirMs, sentAt, heardAt: Date.now() });
    });
    question.on('timeout', () => question.destroy());
    question.on('error', () => resolve(undefined));
    question.on('close', () => resolve(undefined));
    question.end();
  });
}
