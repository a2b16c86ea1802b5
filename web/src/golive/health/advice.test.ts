import { describe, expect, it } from 'vitest';
import { adviseOn } from './advice';
import { append, type History, type HealthSample, NO_HISTORY } from './history';
import { parseStream } from './stream';

const video = {
  number: 0, kind: 'video', codec: 'H.264', width: 1280, height: 720, rate: 0, channels: 0,
  fps: 30, bitrate: 2_500_000, group_seconds: 2, drift_ms: 3, frames: 600, not_in_room: null,
};
const audio = { ...video, number: 1, kind: 'audio', codec: 'AAC', width: 0, height: 0, rate: 48_000, channels: 2, fps: 46.9, bitrate: 128_000, group_seconds: null };

function stream(tracks: object[] = [video, audio], seconds = 20) {
  const encoder = { protocol: 'rtmp', from: '192.0.2.7:50000', identity: 'encoder', seconds, tracks };
  return parseStream({ room: 'demo', live: true, readers: 3, encoders: [encoder] });
}

/** A history of as many seconds; `change` makes a sample differ from the usual one. */
function history(seconds: number, change: (nth: number) => Partial<HealthSample> = () => ({}), of = stream()): History {
  const samples = Array.from({ length: seconds }, (_, nth): HealthSample => ({
    atMs: nth * 1000, videoKbps: 2500, audioKbps: 128, fps: 30, groupS: 2, driftMs: 0, frames: 100 * nth, viewers: 1, ...change(nth),
  }));
  return { encoder: of.encoders[0], samples };
}

const subjects = (of: History) => adviseOn(of).map((advice) => advice.about);

describe('parseStream', () => {
  it('reads what the server writes', () => {
    const { viewers, encoders } = stream();
    expect(viewers).toBe(3);
    expect(encoders[0]?.tracks[0]).toMatchObject({ codec: 'H.264', kbps: 2500, groupS: 2, driftMs: 3 });
    expect(encoders[0]?.tracks[1]?.groupS).toBeNull();
  });

  it('takes anything for nothing', () => {
    for (const odd of [null, 3, 'x', [], { encoders: {} }, { encoders: [null, { tracks: 'no' }] }]) {
      expect(() => append(NO_HISTORY, parseStream(odd), 0)).not.toThrow();
    }
  });
});

describe('append', () => {
  it('begins anew with another connection, and keeps what was seen of one that is gone', () => {
    const first = append(append(NO_HISTORY, stream(), 0), stream(undefined, 21), 1000);
    expect(first.samples).toHaveLength(2);
    expect(append(first, stream(undefined, 0), 2000).samples).toHaveLength(1);
    const gone = append(first, parseStream({ room: 'demo', encoders: [] }), 2000);
    expect(gone.encoder).toBeUndefined();
    expect(gone.samples).toHaveLength(2);
  });
});

describe('adviseOn', () => {
  it('has nothing to say of a good stream, and of none', () => {
    expect(adviseOn(history(120))).toEqual([]);
    expect(adviseOn(NO_HISTORY)).toEqual([]);
  });

  it('asks for shorter groups of pictures', () => {
    expect(adviseOn(history(30, () => ({ groupS: 8.3 })))).toEqual([{ about: 'keyframes', seconds: 8.3 }]);
    expect(subjects(history(30, () => ({ groupS: 4 })))).toEqual([]);
    expect(adviseOn(history(30, () => ({ groupS: null })))).toEqual([{ about: 'keyframes', seconds: 20 }]);
  });

  it("repeats the server's own words on what WebRTC cannot play", () => {
    const words = 'it has B-frames: set their number to 0';
    const of = stream([{ ...video, not_in_room: words }, audio]);
    expect(adviseOn(history(30, undefined, of))).toEqual([{ about: 'notInRoom', kind: 'video', words }]);
  });

  it('sees a frame rate that fell, not one that was always low', () => {
    expect(subjects(history(60, (nth) => ({ fps: nth > 50 ? 18 : 30 })))).toEqual(['fps']);
    expect(subjects(history(60, () => ({ fps: 12 })))).toEqual([]);
    expect(subjects(history(60, (nth) => ({ fps: nth === 59 ? 5 : 30 })))).toEqual([]);
  });

  it('sees dips of the bitrate, not the start', () => {
    expect(subjects(history(60, (nth) => ({ videoKbps: nth % 6 === 0 ? 400 : 2500 })))).toEqual(['bitrate']);
    expect(subjects(history(60, (nth) => ({ videoKbps: nth < 5 ? 100 : 2500 })))).toEqual([]);
    expect(subjects(history(60, (nth) => ({ videoKbps: nth % 6 === 0 ? 9000 : 2500 })))).toEqual([]);
  });

  it('tells an encoder that cannot keep up from one that sends too fast', () => {
    expect(adviseOn(history(30, () => ({ driftMs: -2000 })))).toEqual([{ about: 'behind', ms: 2000 }]);
    expect(adviseOn(history(30, () => ({ driftMs: 60_000 })))).toEqual([{ about: 'ahead', ms: 60_000 }]);
  });

  it('misses sound and picture once the encoder has settled', () => {
    expect(subjects(history(30, undefined, stream([video])))).toEqual(['noAudio']);
    expect(subjects(history(3, undefined, stream([video], 2)))).toEqual([]);
    expect(subjects(history(30, () => ({ fps: null, videoKbps: null, groupS: null }), stream([audio])))).toEqual(['noVideo']);
  });

  it('says that nothing arrives any more', () => {
    expect(adviseOn(history(30, (nth) => ({ frames: Math.min(nth, 24) })))).toEqual([{ about: 'silent', seconds: 5 }]);
  });
});
