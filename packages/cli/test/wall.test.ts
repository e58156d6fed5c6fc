import picocolors from 'picocolors';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { depthOf, swatch } from '../src/gms/swatch.ts';
import { drawWall, Wall } from '../src/gms/wall.ts';

const colours = picocolors.createColors(false);
const plain = { colours, depth: 1, width: 100, selected: undefined, help: undefined } as const;

describe('the wall', () => {
  test('compares workers at the same message, however far each is', () => {
    const wall = new Wall(['n1', 'n2']);
    expect(wall.state.equal).toBeUndefined();
    wall.show('n1', 1, '#000001');
    wall.show('n1', 2, '#000002');
    expect(wall.state.equal).toBeUndefined();
    wall.show('n2', 1, '#000001');
    expect(wall.state).toMatchObject({ equal: true, divergedAt: undefined });
  });

  test('keeps the first difference, and never says equal again', () => {
    const wall = new Wall(['n1', 'n2']);
    wall.show('n1', 7, '#000001');
    wall.show('n2', 7, '#000002');
    wall.show('n1', 8, '#000003');
    wall.show('n2', 8, '#000003');
    expect(wall.state).toMatchObject({ equal: false, divergedAt: 7 });
    expect(drawWall(wall, plain)).toContain('DIVERGED: different colours after message 7');
  });

  test('draws a line per worker with leader, view, sequence and the last colours under each other', () => {
    const wall = new Wall(['n1', 'n2']);
    for (const id of ['n1', 'n2']) wall.update(id, { status: 'joined', view: 3, leads: id === 'n1' });
    for (const sequence of [1, 2, 3]) wall.show('n1', sequence, `#00000${sequence}`);
    wall.show('n2', 2, '#000002');
    const [, first = '', second = ''] = drawWall(wall, { ...plain, selected: 'n2' }).split('\n');
    expect(first).toMatch(/^ ★n1 +joined +v3 +3 [A-Z]{6} {2}[A-Z]{2} [A-Z]{2} [A-Z]{2}/);
    expect(second).toMatch(/^› n2 +joined +v3 +2 [A-Z]{6}/);
    expect(second.indexOf(swatch('#000002', 2, 1), 50)).toBe(first.indexOf(swatch('#000002', 2, 1), 50));
  });

  test('fits the terminal', () => {
    const wall = new Wall(['n1']);
    for (let sequence = 1; sequence < 500; sequence++) wall.show('n1', sequence, '#123456');
    for (const depth of [1, 8, 24] as const) {
      const widths = drawWall(wall, { ...plain, width: 80, depth })
        .split('\n')
        .map((line) => stripVTControlCharacters(line).length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(80);
    }
  });

  test('remembers a bounded number of colours', () => {
    const wall = new Wall(['n1', 'n2']);
    for (let sequence = 1; sequence <= 5_000; sequence++) wall.show('n1', sequence, '#123456');
    expect(wall.strip('n1', 1, 5_000).filter((colour) => colour !== undefined)).toHaveLength(4_096);
  });
});

describe('a swatch', () => {
  test('in all depths', () => {
    expect(swatch('#ff8000', 2, 24)).toBe('\u001B[48;2;255;128;0m  \u001B[0m');
    expect(swatch('#ff8000', 2, 8)).toBe('\u001B[48;5;214m  \u001B[0m');
    expect(stripVTControlCharacters(swatch('#ff8000', 2, 4))).toMatch(/^[A-Z]{2}$/);
    expect(swatch('#ff8000', 2, 1)).toMatch(/^[A-Z]{2}$/);
    expect(swatch('#ff8001', 2, 1)).not.toBe(swatch('#ff8000', 2, 1));
  });

  test('asks the terminal what it can', () => {
    const terminal = (depth: number) => ({ isTTY: true, getColorDepth: () => depth });
    expect([24, 8, 4, 1].map((depth) => depthOf(terminal(depth), false))).toEqual([24, 8, 4, 1]);
    expect(depthOf(terminal(24), true)).toBe(1);
    expect(depthOf({ isTTY: false, getColorDepth: () => 24 }, false)).toBe(1);
  });
});
