import { describe, expect, it } from 'vitest';
import type { Snapshot, StreamCounters } from './stats';
import { trackRows } from './tracks';

const stream = (fields: Partial<StreamCounters>): StreamCounters => ({
  id: 'x', direction: 'receive', kind: 'video', trackId: 'cam', bytes: 0, packets: 0, lost: 0,
  freezes: 0, freezeMs: 0, framesDecoded: 0, active: true, ...fields,
});

const snapshot = (atMs: number, ...streams: StreamCounters[]): Snapshot => ({
  atMs,
  streams: new Map(streams.map((s) => [s.id, s])),
});

const describeTrack = () => ({ label: 'Bob', publishedHeight: 720 });

describe('trackRows', () => {
  it('names the received simulcast layer by its height', () => {
    const before = snapshot(0, stream({ bytes: 0 }));
    const after = snapshot(1000, stream({ bytes: 25_000, width: 640, height: 360, fps: 29.7, codec: 'VP8' }));
    expect(trackRows(before, after, describeTrack)[0]).toMatchObject({
      label: 'Bob', codec: 'VP8', resolution: '640×360', fps: '30', layer: 'h', kbps: 200, flowing: true,
    });
  });

  it('lists sent layers from full to quarter and marks paused ones', () => {
    const layers = ['q', 'f', 'h'].map((rid) =>
      stream({ id: rid, direction: 'send', rid, bytes: 10, active: rid !== 'f' }),
    );
    const rows = trackRows(snapshot(0), snapshot(1000, ...layers), describeTrack);
    expect(rows.map((r) => r.layer)).toEqual(['f', 'h', 'q']);
    expect(rows.map((r) => r.flowing)).toEqual([false, true, true]);
  });

  it('leaves out m-lines that never carried a known track', () => {
    const rows = trackRows(snapshot(0), snapshot(1000, stream({ trackId: 'ghost' })), () => undefined);
    expect(rows).toEqual([]);
  });
});
