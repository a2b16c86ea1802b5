import { describe, expect, it } from 'vitest';
import { framesDecoded, sampleBetween, type StatsEntry, takeSnapshot } from './stats';

const entry = (id: string, type: string, fields: object): StatsEntry => ({ id, type, timestamp: 0, ...fields });

const inbound = (fields: object = {}) =>
  entry('IT1', 'inbound-rtp', {
    kind: 'video',
    trackIdentifier: 'remote-cam',
    codecId: 'C1',
    bytesReceived: 1000,
    packetsReceived: 100,
    packetsLost: 0,
    framesDecoded: 30,
    frameWidth: 640,
    frameHeight: 360,
    ...fields,
  });

const codec = entry('C1', 'codec', { mimeType: 'video/VP8' });

describe('takeSnapshot', () => {
  it('joins streams with their codec, media source and remote report', () => {
    const snapshot = takeSnapshot(
      [[
        codec,
        entry('S1', 'media-source', { trackIdentifier: 'my-cam' }),
        entry('R1', 'remote-inbound-rtp', { packetsLost: 4 }),
        entry('O1', 'outbound-rtp', {
          kind: 'video', mediaSourceId: 'S1', remoteId: 'R1', codecId: 'C1', rid: 'h', bytesSent: 9, active: false,
        }),
      ]],
      0,
    );
    expect([...snapshot.streams.values()][0]).toMatchObject({
      direction: 'send', trackId: 'my-cam', codec: 'VP8', rid: 'h', bytes: 9, lost: 4, active: false,
    });
  });

  it('takes the round trip of the selected pair, else of a nominated one', () => {
    const pair = (id: string, rtt: number, nominated: boolean) =>
      entry(id, 'candidate-pair', { currentRoundTripTime: rtt, nominated, state: 'succeeded' });
    const transport = entry('T', 'transport', { selectedCandidatePairId: 'P2' });
    expect(takeSnapshot([[pair('P1', 0.5, true), pair('P2', 0.02, false), transport]], 0).rttMs).toBe(20);
    expect(takeSnapshot([[pair('P1', 0.5, true)]], 0).rttMs).toBe(500);
    expect(takeSnapshot([[]], 0).rttMs).toBeUndefined();
  });

  it('keeps equal ids of two peer connections apart', () => {
    expect(takeSnapshot([[inbound()], [inbound()]], 0).streams.size).toBe(2);
  });
});

describe('sampleBetween', () => {
  it('computes bitrate and loss from the difference', () => {
    const before = takeSnapshot([[inbound()]], 1000);
    const after = takeSnapshot([[inbound({ bytesReceived: 126_000, packetsReceived: 190, packetsLost: 10 })]], 2000);
    const sample = sampleBetween(before, after);
    expect(sample.receiveKbps).toBe(1000);
    expect(sample.receiveLossPct).toBe(10);
    expect(sample.sendLossPct).toBeNull();
  });

  it('scales with the real interval', () => {
    const before = takeSnapshot([[inbound({ bytesReceived: 0 })]], 0);
    const after = takeSnapshot([[inbound({ bytesReceived: 1000 })]], 2000);
    expect(sampleBetween(before, after).receiveKbps).toBe(4);
  });

  it('counts restarted counters as nothing instead of a negative rate', () => {
    const before = takeSnapshot([[inbound({ bytesReceived: 5000, packetsLost: 9 })]], 0);
    const after = takeSnapshot([[inbound({ bytesReceived: 100, packetsLost: 3 })]], 1000);
    const sample = sampleBetween(before, after);
    expect(sample.receiveKbps).toBe(0);
    expect(sample.receiveLossPct).toBeNull();
  });

  it('survives streams that appear and disappear', () => {
    const empty = takeSnapshot([[]], 0);
    const full = takeSnapshot([[inbound({ freezeCount: 2, totalFreezesDuration: 0.5 })]], 1000);
    expect(sampleBetween(empty, full)).toMatchObject({ freezes: 2, freezeMs: 500 });
    expect(sampleBetween(full, empty).receiveKbps).toBe(0);
  });
});

it('framesDecoded adds up all streams', () => {
  expect(framesDecoded(takeSnapshot([[inbound()], [inbound()]], 0))).toBe(60);
});
