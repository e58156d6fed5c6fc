// A log in a folder: what was acknowledged is there after every restart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@grp/core';
import { openLog } from '@grp/storage';
import { nodeDisk } from '@grp/storage/node';

const folder = mkdtempSync(join(tmpdir(), 'notes-'));
for (const note of ['milk', 'bread']) {
  const disk = nodeDisk(folder);
  const log = await openLog({ disk, clock: systemClock() });
  const { recovered, entries } = log;
  if (recovered.damage !== undefined) throw new Error('ask the peers first');
  for (let index = recovered.firstIndex; index <= recovered.lastIndex;) {
    const read = await entries.read(index, recovered.lastIndex, 65_536);
    for (const { payload } of read) console.log(`remembered: ${new TextDecoder().decode(payload)}`);
    index += read.length;
  }
  const payload = new TextEncoder().encode(note);
  const ticket = log.append([{ index: entries.lastIndex + 1, term: 1, payload }]);
  await new Promise<void>((resolve) =>
    log.on((event) => event.type === 'durable' && event.ticket >= ticket && resolve()),
  );
  console.log(`durable: ${note}`);
  await log.close();
  disk.close();
}
rmSync(folder, { recursive: true });
