import { describe, expect, it } from 'vitest';
import { bufferMs, jitterMs, ratePerS, readWhep, type StatsEntry, whepDelayMs } from './latency';

const report = (frames: number, delayS: number): StatsEntry[] => [
  { id: 'a', type: 'inbound-rtp', kind: 'audio', packetsReceived: 500, bytesReceived: 1000, packetsLost: 1, jitterBufferDelay: 9, jitterBufferEmittedCount: 9 },
  {
    id: 'v', type: 'inbound-rtp', kind: 'video', codecId: 'c', packetsReceived: 900, bytesReceived: 90_000, packetsLost: 2, framesDecoded: frames,
    framesDropped: 3, frameWidth: 1280, frameHeight: 720, jitterBufferDelay: delayS, jitterBufferEmittedCount: frames,
  },
  { id: 'c', type: 'codec', mimeType: 'video/H264' },
  { id: 'p', type: 'candidate-pair', nominated: false, currentRoundTripTime: 9 },
  { id: 'q', type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.03 },
];

describe('readWhep', () => {
  it('takes the picture where there is one', () => {
    expect(readWhep(report(100, 4), 0)).toMatchObject({
      moved: 100, bytes: 91_000, lost: 3, width: 1280, height: 720, codec: 'H264', framesDropped: 3, rttMs: 30,
    });
  });

  it('takes the sound where there is none, and nothing from an empty report', () => {
    expect(readWhep(report(100, 4).slice(0, 1), 0)).toMatchObject({ moved: 50, width: 0, rttMs: null });
    expect(readWhep([], 0)).toMatchObject({ moved: 0, bytes: 0, rttMs: null });
  });
});

describe('the delay of WebRTC', () => {
  it('is the time in the jitter buffer of late, and half a round trip', () => {
    const before = readWhep(report(100, 20), 0);
    const now = readWhep(report(130, 21.2), 1000);
    expect(jitterMs(before, now)).toBeCloseTo(40);
    expect(whepDelayMs(jitterMs(before, now), now.rttMs)).toBeCloseTo(55);
  });

  it('is unknown before pictures come', () => {
    const now = readWhep(report(100, 20), 0);
    expect(jitterMs(now, now)).toBeNull();
    expect(whepDelayMs(null, 30)).toBeNull();
    expect(whepDelayMs(40, null)).toBe(40);
  });
});

describe('bufferMs', () => {
  it('reaches from the picture to the end of the last range', () => {
    expect(bufferMs([4, 9.5], 9)).toBe(500);
    expect(bufferMs([4], 5)).toBe(0);
    expect(bufferMs([], 5)).toBeNull();
  });
});

describe('ratePerS', () => {
  it('is unknown when counters began anew', () => {
    expect(ratePerS(100, 160, 2000)).toBe(30);
    expect(ratePerS(100, 20, 1000)).toBeNull();
    expect(ratePerS(1, 2, 0)).toBeNull();
  });
});
