import { describe, expect, it } from 'vitest';
import type { Line, MinuteState } from '../api';
import { countStates, regionsOf } from './regions';

const line = (module: string, region: string, ...states: MinuteState[]) =>
  ({ module, region, minutes: states.map((state, at) => ({ minute: String(at), state, leaf: null })) }) as Line;

describe('regionsOf', () => {
  it('is as bad as its worst module in the last minute that is known', () => {
    const [eu, us] = regionsOf(
      [line('media', 'eu', 'good', 'bad', 'unknown'), line('join', 'eu', 'good', 'good'), line('media', 'us', 'bad', 'idle')],
      new Map([['media/eu', 40], ['join/eu', 42]]),
    );
    expect(eu).toMatchObject({ region: 'eu', state: 'bad', sessions: 42, troubled: ['media'] });
    expect(us).toMatchObject({ region: 'us', state: 'idle', sessions: null, troubled: [] });
  });

  it('knows nothing of a line without minutes', () => {
    expect(regionsOf([line('media', 'eu')], new Map())).toMatchObject([{ state: 'unknown' }]);
  });
});

describe('countStates', () => {
  it('names the bad first and leaves out what did not happen', () => {
    const minutes = (['good', 'bad', 'good'] as const).map((state) => ({ state }));
    expect(countStates(minutes)).toEqual([['bad', 1], ['good', 2]]);
  });
});
