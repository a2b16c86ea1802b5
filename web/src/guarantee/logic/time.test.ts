import { describe, expect, it } from 'vitest';
import type { Clock } from '../api';
import { budget, byNextClock, countdown, lastDay, readClock, span } from './time';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const instant = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

function clock(started: number, due: number | null, more: Partial<Clock> = {}): Clock {
  const base = { kind: 'restoration' as const, target_minutes: 60, paused: false, stopped: null, missed: false };
  return { ...base, started: instant(started), due: due === null ? null : instant(due), ...more };
}

describe('span', () => {
  it.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [1390, '23 min 10 s'],
    [2592, '43 min 12 s'],
    [3600, '1 h'],
    [3605, '1 h'],
    [93_600, '1 d 2 h'],
    [-490, '8 min 10 s'],
  ])('%d s is %s', (seconds, text) => expect(span(seconds, 'en')).toBe(text));

  it('speaks Chinese', () => expect(span(1390, 'zh')).toBe('23 分 10 秒'));
});

describe('countdown', () => {
  it.each([
    [65, '1:05'],
    [3725, '1:02:05'],
    [90_061, '1 d 1:01:01'],
    [-74, '−1:14'],
    [-0.4, '0:00'],
  ])('%d s is %s', (seconds, text) => expect(countdown(seconds, 'en')).toBe(text));
});

describe('readClock', () => {
  it('counts down, and goes on behind the due time', () => {
    expect(readClock(clock(-30, 30), NOW)).toEqual({ state: 'running', left: 1800, used: 0.5 });
    expect(readClock(clock(-60, -1), NOW)).toEqual({ state: 'late', left: -60, used: 1 });
  });

  it('says paused while nobody knows when it is due', () => {
    expect(readClock(clock(-30, null, { paused: true }), NOW)).toMatchObject({ state: 'paused' });
  });

  it('tells a promise that was kept from one that was missed', () => {
    expect(readClock(clock(-60, 0, { stopped: instant(-10) }), NOW)).toMatchObject({ state: 'kept', left: 600 });
    expect(readClock(clock(-60, -20, { stopped: instant(-10) }), NOW)).toMatchObject({ state: 'missed', left: -600 });
    expect(readClock(clock(-60, 0, { stopped: instant(-10), missed: true }), NOW)).toMatchObject({ state: 'missed' });
  });
});

describe('byNextClock', () => {
  it('puts what is late first and what waits for nobody last', () => {
    const items = [
      { id: 1, clocks: [] },
      { id: 2, clocks: [clock(-10, 50)] },
      { id: 3, clocks: [clock(-10, 300), clock(-10, -5)] },
      { id: 4, clocks: [clock(-10, null, { paused: true })] },
      { id: 5, clocks: [clock(-10, -50, { stopped: instant(-60) }), clock(-10, 20)] },
    ];
    expect(byNextClock(items, NOW).map(({ id }) => id)).toEqual([3, 5, 2, 1, 4]);
  });
});

describe('budget', () => {
  it('is good, low, spent, or none where nothing is promised', () => {
    expect(budget(2592, 1390)).toMatchObject({ state: 'good' });
    expect(budget(2592, 600)).toMatchObject({ state: 'low' });
    expect(budget(1296, 0)).toEqual({ state: 'spent', left: 0 });
    expect(budget(1296, -490)).toEqual({ state: 'spent', left: 0 });
    expect(budget(null, null)).toMatchObject({ state: 'none' });
    expect(budget(0, 0)).toMatchObject({ state: 'none' });
  });
});

describe('lastDay', () => {
  it('is the day before the first day after it', () => {
    expect(lastDay('2026-03-01', 'en')).toBe('28 Feb 2026');
  });
});
