import { describe, expect, it } from 'vitest';
import { splitJoinTime } from './joinTime';

describe('splitJoinTime', () => {
  it('splits into four phases that add up to the total', () => {
    const time = splitJoinTime({
      start: 100, signalConnected: 130, iceConnected: 150, dtlsConnected: 180, videoSubscribed: 185, firstFrame: 260,
    });
    expect(time.spans).toEqual([
      { phase: 'signalling', ms: 30 },
      { phase: 'ice', ms: 20 },
      { phase: 'dtls', ms: 30 },
      { phase: 'firstFrame', ms: 80 },
    ]);
    expect(time.totalMs).toBe(160);
  });

  it('shows only what has been reached', () => {
    expect(splitJoinTime({ start: 0 })).toEqual({ spans: [], totalMs: 0, videoWasWaiting: false });
    expect(splitJoinTime({ start: 0, signalConnected: 5 }).spans).toHaveLength(1);
  });

  it('never charges for a phase that ran in parallel', () => {
    const time = splitJoinTime({ start: 0, signalConnected: 50, iceConnected: 40, dtlsConnected: 60 });
    expect(time.spans.map((s) => s.ms)).toEqual([50, 0, 10]);
    expect(time.totalMs).toBe(60);
  });

  it('leaves out the first frame of a video that started long after joining', () => {
    const time = splitJoinTime({
      start: 0, signalConnected: 10, iceConnected: 20, dtlsConnected: 30, videoSubscribed: 60_000, firstFrame: 60_050,
    });
    expect(time.videoWasWaiting).toBe(false);
    expect(time.totalMs).toBe(30);
  });
});
