import { describe, expect, it } from 'vitest';
import { begin, type Event, isOpen, PATIENCE_MS, RETRY_MS, type State, step, type Why, whyOf } from './picker';

const absent: Event = { type: 'failed', why: { kind: 'absent' } };
const failed = (words = 'no'): Event => ({ type: 'failed', why: { kind: 'failed', words } });

/** Applies events at times. */
function run(events: [number, Event][], state: State = begin('auto', 0)): State {
  return events.reduce((now, [atMs, event]) => step(now, event, atMs), state);
}

describe('the automatic choice', () => {
  it('begins with WebRTC and stays with what plays', () => {
    const state = run([[100, { type: 'progress' }], [4000, { type: 'progress' }], [8000, { type: 'tick' }]]);
    expect(state).toMatchObject({ phase: 'playing', door: 'whep', opened: 1 });
  });

  it('falls through on failure', () => {
    expect(run([[10, failed()]])).toMatchObject({ phase: 'trying', door: 'hls', opened: 2 });
    expect(run([[10, failed()], [20, failed()]])).toMatchObject({ phase: 'trying', door: 'flv', opened: 3 });
  });

  it('falls through after five seconds without a picture', () => {
    expect(run([[PATIENCE_MS - 1, { type: 'tick' }]]).door).toBe('whep');
    const state = run([[PATIENCE_MS, { type: 'tick' }]]);
    expect(state).toMatchObject({ phase: 'trying', door: 'hls', sinceMs: PATIENCE_MS });
    expect(state.attempts).toEqual([{ door: 'whep', why: { kind: 'noFrame' } }]);
  });

  it('falls through when the picture stands still, but not while nobody looks', () => {
    const playing = run([[100, { type: 'progress' }]]);
    expect(step(playing, { type: 'tick' }, 100 + PATIENCE_MS)).toMatchObject({ phase: 'trying', door: 'hls' });
    const idle = run([[5000, { type: 'idle' }], [9999, { type: 'tick' }]], playing);
    expect(idle).toMatchObject({ phase: 'playing', door: 'whep' });
  });

  it('waits when nothing is live, and asks all doors again', () => {
    const waiting = run([[10, absent], [20, absent], [30, absent]]);
    expect(waiting.phase).toBe('waiting');
    expect(isOpen(waiting)).toBe(false);
    expect(step(waiting, { type: 'tick' }, 30 + RETRY_MS - 1)).toBe(waiting);
    const again = step(waiting, { type: 'tick' }, 30 + RETRY_MS);
    expect(again).toMatchObject({ phase: 'trying', door: 'whep', attempts: [], opened: 4, quiet: true });
    expect(step(again, { type: 'progress' }, 3000).quiet).toBe(false);
  });

  it('tells "nothing is live" from "does not play here"', () => {
    expect(run([[10, failed()], [20, absent], [30, absent]]).phase).toBe('failed');
    expect(run([[10, absent], [20, absent], [9000, { type: 'tick' }]]).phase).toBe('failed');
  });

  it('waits again when a stream has ended', () => {
    const ended: Event = { type: 'failed', why: { kind: 'ended' } };
    const state = run([[10, failed()], [20, { type: 'progress' }], [9000, ended], [9010, absent], [9020, absent]]);
    expect(state.phase).toBe('waiting');
    // The doors before the one that played are asked too: they may be the ones that are back.
    expect(state.attempts.map((attempt) => attempt.door).sort()).toEqual(['flv', 'hls', 'whep']);
  });

  it('stops at once where the viewer may not watch', () => {
    const denied = run([[10, { type: 'failed', why: { kind: 'denied', words: 'no token' } }]]);
    expect(denied.phase).toBe('denied');
    expect(step(denied, { type: 'tick' }, 1e6)).toBe(denied);
    expect(step(denied, { type: 'retry' }, 1e6)).toMatchObject({ phase: 'trying', door: 'whep' });
  });

  it('does not listen to players that are closed', () => {
    const waiting = run([[10, absent], [20, absent], [30, absent]]);
    expect(run([[40, { type: 'progress' }], [50, failed()]], waiting)).toBe(waiting);
  });
});

describe('a choice by hand', () => {
  it('keeps to one door', () => {
    const chosen = run([[10, { type: 'choose', choice: 'flv' }]]);
    expect(chosen).toMatchObject({ phase: 'trying', door: 'flv', choice: 'flv', opened: 2 });
    expect(step(chosen, failed(), 20).phase).toBe('failed');
    expect(step(chosen, absent, 20).phase).toBe('waiting');
    expect(step(step(chosen, absent, 20), { type: 'tick' }, 20 + RETRY_MS)).toMatchObject({ door: 'flv' });
  });

  it('goes back to automatic', () => {
    const state = run([[10, { type: 'choose', choice: 'hls' }], [20, { type: 'choose', choice: 'auto' }]]);
    expect(state).toMatchObject({ phase: 'trying', door: 'whep' });
  });
});

describe('whyOf', () => {
  it.each<[number, string, Why]>([
    [404, 'nothing is live in room x\n', { kind: 'absent' }],
    [409, '{"detail":"nobody publishes"}', { kind: 'absent' }],
    [401, '{"title":"Unauthorized","detail":"no token"}', { kind: 'denied', words: 'no token' }],
    [401, 'no token\n', { kind: 'denied', words: 'no token' }],
    [403, '', { kind: 'denied', words: 'HTTP 403' }],
    [406, 'B-frames', { kind: 'failed', words: 'HTTP 406: B-frames' }],
    [503, '', { kind: 'failed', words: 'HTTP 503' }],
  ])('reads HTTP %i', (status, words, why) => {
    expect(whyOf(status, words)).toEqual(why);
  });
});
