import { fork } from 'node:child_process';

/**
 * Runs this very script once more as shard number `shard`, with the same arguments and `--shard N`, and resolves with the
 * one message that it sends.
 */
export function inProcess<Outcome>(script: string, shard: number): Promise<Outcome> {
  const args = [...process.argv.slice(2), '--shard', String(shard)];
  const child = fork(script, args, { execArgv: process.execArgv });
  return new Promise((resolve, reject) => {
    let outcome: Outcome | undefined;
    child.on('message', (message) => (outcome = message as Outcome));
    child.on('error', reject);
    child.on('close', (code) => {
      if (outcome === undefined) reject(new Error(`shard ${shard} ended with code ${code} and no result`));
      else resolve(outcome);
    });
  });
}
