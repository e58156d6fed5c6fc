import { expect, test } from 'vitest';
import { member } from './support/fake-swim.ts';
import { testApi } from './support/test-api.ts';

test('metrics are Prometheus text with help for every name', async () => {
  const api = testApi();
  const total = { bytesIn: 100, bytesOut: 200, packetsIn: 3, packetsOut: 4 };
  api.swim.others = [member('bob'), member('cid', { status: 'down' })];
  api.swim.report = { ...api.swim.report, total, messages: [{ type: 'ping', ...total }], dropped: { decrypt: 5 } };
  api.metrics.countEvent('join');
  api.metrics.countEvent('join');
  const answer = await api.get('/metrics');
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = answer.body.split('\n');
  for (const line of [
    'grp_node_info{name="ann",version="1.2.3"} 1',
    'grp_node_ready 1',
    'grp_node_start_time_seconds 5',
    'grp_node_event_streams 0',
    'grp_node_events_dropped_total 0',
    'grp_swim_members{status="alive"} 2',
    'grp_swim_members{status="suspect"} 0',
    'grp_swim_members{status="down"} 1',
    'grp_swim_members{status="left"} 0',
    'grp_swim_health_score 2',
    'grp_swim_broadcasts_queued 3',
    'grp_swim_datagram_bytes_total{direction="in"} 100',
    'grp_swim_datagram_bytes_total{direction="out"} 200',
    'grp_swim_datagrams_total{direction="out"} 4',
    'grp_swim_stream_bytes_total{direction="in"} 0',
    'grp_swim_messages_total{direction="in",type="ping"} 3',
    'grp_swim_events_total{type="join"} 2',
    'grp_swim_dropped_total{reason="decrypt"} 5',
  ]) {
    expect(lines).toContain(line);
  }
  const names = new Set(
    lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(/[{ ]/)[0]),
  );
  for (const name of names) {
    expect(
      lines.some((line) => line.startsWith(`# HELP ${name} `) && line.length > `# HELP ${name} `.length + 10),
    ).toBe(true);
  }
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'nodejs_version_info',
  ]) {
    expect(names).toContain(name);
  }
});

test('two scrapes give the same counters, not twice as much, and labels that are gone are gone', async () => {
  const api = testApi();
  api.swim.report = { ...api.swim.report, dropped: { decrypt: 5 } };
  await api.get('/metrics');
  expect((await api.get('/metrics')).body).toContain('grp_swim_dropped_total{reason="decrypt"} 5\n');
  api.swim.report = { ...api.swim.report, dropped: {} };
  expect((await api.get('/metrics')).body).not.toContain('decrypt');
});

test('two nodes in one process have registries of their own', async () => {
  const [one, two] = [testApi(), testApi()];
  one.metrics.countEvent('down');
  expect((await one.get('/metrics')).body).toContain('grp_swim_events_total{type="down"} 1');
  expect((await two.get('/metrics')).body).not.toContain('grp_swim_events_total{type="down"}');
});

test('a hostile label value cannot break out of its line', async () => {
  const api = testApi();
  api.swim.report = { ...api.swim.report, dropped: { 'a"\n} 1\nevil 2': 1 } };
  const { body } = await api.get('/metrics');
  expect(body.split('\n').filter((line) => line.startsWith('evil'))).toEqual([]);
});
