import { createHash, randomBytes } from 'node:crypto';
import { NodeClient } from '../client/http-client.ts';
import { killNode, restartNode } from '../cluster/control.ts';
import { getBytes, putBytes, statOf, untilRepaired } from '../dfs/bytes.ts';
import type { RepairDocument } from '../dfs/documents.ts';
import { bytesText } from '../output/units.ts';
import { holds, within } from './promises.ts';
import { secondsText, type Act, type Stage } from './stage.ts';

const name = 'demo/eight-mebibytes';
const fileBytes = 8 * 1_048_576;
const repairTimeoutMs = 60_000;

/** Act four: a file survives one of its three holders, and has three again. */
export async function filesAct({ dir, nodes, tell, signal }: Stage): Promise<Act> {
  const all = nodes.map(({ http }) => NodeClient.local(http, 40_000));
  const content = randomBytes(fileBytes);
  const sha256 = createHash('sha256').update(content).digest('hex');
  tell.chapter(`A file of ${bytesText(fileBytes)} goes into the store, on three of the five nodes. One of them dies.`);
  const began = performance.now();
  const put = await putBytes(all, name, content, { signal });
  const putMs = performance.now() - began;
  await untilRepaired(all, { timeoutMs: repairTimeoutMs, signal });
  const { replicas } = await statOf(all, name);
  const dead = replicas.at(-1)?.node ?? 'n1';
  tell.line(
    `Version ${put.version} after ${secondsText(putMs)}, on ${replicas.map(({ node }) => node).join(', ')}. ${dead} is killed.`,
  );
  const killedAt = performance.now();
  await killNode(dir, dead);
  const others = nodes.filter(({ id }) => id !== dead).map(({ http }) => NodeClient.local(http, 40_000));
  const read = await getBytes(others, name);
  const readMs = performance.now() - killedAt;
  const isSame = read.content.equals(content) && read.sha256 === sha256;
  tell.progress('the lost replica is made anew elsewhere');
  // The dead one is declared dead by an entry of the log: only then is its replica missed.
  const isMissed = { also: (status: RepairDocument) => !isUp(status, dead) };
  await untilRepaired(others, { timeoutMs: repairTimeoutMs, signal, ...isMissed });
  const repairMs = performance.now() - killedAt;
  const after = await statOf(others, name);
  const live = after.replicas.filter(({ state }) => state === 'live').map(({ node }) => node);
  tell.line(`Read back at once, the same to the byte. ${secondsText(repairMs)} after the death there are three again:`);
  tell.line(`${live.join(', ')}. ${dead} starts again and takes part.`);
  await restartNode(dir, dead, { empty: false, timeoutMs: repairTimeoutMs });
  await untilRepaired(all, { timeoutMs: repairTimeoutMs, signal, also: (status) => isUp(status, dead) });
  const again = await getBytes(all, name);
  return {
    facts: [
      { what: `put of ${bytesText(fileBytes)}, acknowledged`, measured: secondsText(putMs) },
      { what: 'read after the death of a holder', measured: secondsText(readMs) },
    ],
    promises: [
      holds('the file is the same to the byte', isSame && again.sha256 === sha256),
      holds('three live replicas again', live.length === 3 && !live.includes(dead)),
      within('repaired after the death, detection included', repairMs, 20_000),
    ],
  };
}

function isUp({ servers }: RepairDocument, id: string): boolean {
  return servers.some(({ node, up }) => node === id && up);
}
