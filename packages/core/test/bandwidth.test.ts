import { BandwidthMeter, type Address } from '@grp/core';
import { describe, expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';

const four = '10.0.0.1:7946' as Address;
const six = '[fd00::1]:7946' as Address;

function meter(): { clock: ManualClock; meter: BandwidthMeter } {
  const clock = new ManualClock();
  return { clock, meter: new BandwidthMeter(clock) };
}

describe('the meter', () => {
  test('counts datagrams with the headers of their family', () => {
    const { meter: counted } = meter();
    counted.datagram('out', four, 100);
    counted.datagram('in', six, 100);
    counted.datagram('in', six, 0);
    const { total, peers } = counted.report();
    expect(total).toEqual({ bytesIn: 196, bytesOut: 128, packetsIn: 2, packetsOut: 1 });
    expect(peers).toEqual([
      { address: six, bytesIn: 196, bytesOut: 0, packetsIn: 2, packetsOut: 0 },
      { address: four, bytesIn: 0, bytesOut: 128, packetsIn: 0, packetsOut: 1 },
    ]);
  });

  test('counts messages, streams and drops by themselves', () => {
    const { meter: counted } = meter();
    counted.message('in', 'ping', 10);
    counted.message('out', 'ack', 30);
    counted.message('out', 'ack', 30);
    counted.stream('out', 5);
    counted.drop('send.too-long');
    counted.drop('send.too-long', 4);
    const report = counted.report();
    expect(report.total.packetsOut).toBe(0);
    expect(report.messages).toEqual([
      { type: 'ack', bytesIn: 0, bytesOut: 60, packetsIn: 0, packetsOut: 2 },
      { type: 'ping', bytesIn: 10, bytesOut: 0, packetsIn: 1, packetsOut: 0 },
    ]);
    expect(report.streams).toEqual({ bytesIn: 0, bytesOut: 5, packetsIn: 0, packetsOut: 1 });
    expect(report.dropped).toEqual({ 'send.too-long': 5 });
    expect([counted.droppedCount('send.too-long'), counted.droppedCount('never')]).toEqual([5, 0]);
  });

  test('is zeroed by reset, and says since when', () => {
    const { clock, meter: counted } = meter();
    const empty = counted.report();
    counted.datagram('in', four, 1);
    counted.message('in', 'ping', 1);
    counted.stream('in', 1);
    counted.drop('x');
    clock.advance(500);
    expect(counted.report().since).toBe(1_700_000_000_000);
    counted.reset();
    expect(counted.report()).toEqual({ ...empty, since: 1_700_000_000_500 });
  });

  test('gives reports that do not change afterwards', () => {
    const { meter: counted } = meter();
    counted.datagram('in', four, 1);
    const report = counted.report();
    const before = structuredClone(report);
    counted.datagram('in', four, 1);
    expect(report).toEqual(before);
  });

  test('has room for 1,024 peers, 256 types and 256 reasons; the rest is counted together', () => {
    const { meter: counted } = meter();
    for (let index = 0; index < 3_000; index++) {
      counted.datagram('in', `10.0.${index >> 8}.${index & 255}:1` as Address, 72);
      counted.message('in', `type-${index}`, 1);
      counted.drop(`reason-${index}`);
    }
    const { peers, messages, dropped, total } = counted.report();
    expect([peers.length, messages.length, Object.keys(dropped).length]).toEqual([1_025, 257, 257]);
    expect(peers[0]).toMatchObject({ address: 'other', packetsIn: 3_000 - 1_024 });
    expect(messages[0]).toMatchObject({ type: 'other', packetsIn: 3_000 - 256 });
    expect(dropped['other']).toBe(3_000 - 256);
    expect(total).toMatchObject({ packetsIn: 3_000, bytesIn: 300_000 });
    counted.datagram('in', '10.0.0.1:1' as Address, 0); // known ones are still counted by themselves
    expect(counted.report().peers.find(({ address }) => address === '10.0.0.1:1')?.packetsIn).toBe(2);
  });
});
