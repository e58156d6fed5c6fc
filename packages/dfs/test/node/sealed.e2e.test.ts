// The file servers' port with a key: who has it puts and gets, everybody else is cut off.
import { buffer } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Keyring, systemRandom } from '@grp/core';
import { dialStreams, nodeAead, sealStreams } from '@grp/transport-udp';
import { startCluster } from './cluster.ts';
import { tempFolder } from './store-support.ts';

test('with a key, files go in and out for who has it; without, nobody hears anything', async () => {
  const folder = tempFolder();
  const keyring = new Keyring({ aead: nodeAead(), random: systemRandom(), keys: [randomBytes(32)] });
  const cluster = await startCluster(folder.above, 3, {}, keyring);
  const streams = sealStreams({ streams: dialStreams(), keyring });
  try {
    const client = cluster.client({ streams });
    const content = randomBytes(3_000_000);
    expect(await client.put('secret', content)).toMatchObject({ bytes: content.length });
    expect((await buffer(client.get('secret').stream)).equals(content)).toBe(true);
    const stranger = cluster.client({ transfer: { requestMs: 300 } });
    await expect(stranger.stat('secret')).rejects.toMatchObject({ code: 'DFS_META_UNREACHABLE' });
  } finally {
    await cluster.close();
    await streams.close();
    folder.remove();
  }
});
