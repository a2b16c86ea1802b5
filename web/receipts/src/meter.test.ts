import { describe, expect, it } from 'vitest';
import { canonical } from './canonical';
import { FreezeRule } from './freeze';
import { Meter } from './meter';
import { type Entry, snapshot } from './stats';

const on = () => 'on' as const;

/** Looks each second at a video of 30 and an audio of 50 a second, as `change` says. */
function run(seconds: number, change: (second: number, video: Entry, audio: Entry, pair: Entry) => void, expected = on as (track: string) => 'on' | 'off') {
  const meter = new Meter();
  const video: Entry = { id: 'v', type: 'inbound-rtp', kind: 'video', trackIdentifier: 'cam', framesDecoded: 0, freezeCount: 0, totalFreezesDuration: 0, jitterBufferDelay: 0, jitterBufferEmittedCount: 0 };
  const audio: Entry = { id: 'a', type: 'inbound-rtp', kind: 'audio', trackIdentifier: 'mic', packetsReceived: 0, totalSamplesReceived: 0, concealedSamples: 0, silentConcealedSamples: 0, jitterBufferDelay: 0, jitterBufferEmittedCount: 0 };
  const pair: Entry = { id: 'p', type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.03 };
  for (let second = 0; second <= seconds; second += 1) {
    change(second, video, audio, pair);
    meter.add(snapshot([[{ ...video }, { ...audio }, { ...pair }]], 1_000_000 + second * 1000), expected);
  }
  return meter.take();
}

function add(entry: Entry, fields: Record<string, number>) {
  for (const [name, value] of Object.entries(fields)) entry[name] = (entry[name] as number) + value;
}

function flow(video: Entry, audio: Entry) {
  add(video, { framesDecoded: 30, jitterBufferDelay: 30 * 0.05, jitterBufferEmittedCount: 30 });
  add(audio, { packetsReceived: 50, totalSamplesReceived: 48_000, jitterBufferDelay: 48_000 * 0.05, jitterBufferEmittedCount: 48_000 });
}

describe('a minute of media', () => {
  it('is good when all of it flows', () => {
    const minute = run(60, (_, video, audio) => flow(video, audio));
    expect(minute).toEqual({
      audio: { all: 60_000, good: 60_000 },
      video: { all: 60_000, good: 60_000 },
      delay: { all: 120_000, good: 120_000 },
      concealed_ppm: 0,
      freezes: 0,
      rtt_ms: 30,
    });
  });

  it('has frozen video of 600 ms and more, and shorter freezes are only told', () => {
    const minute = run(60, (second, video, audio) => {
      flow(video, audio);
      if (second === 10) add(video, { freezeCount: 1, totalFreezesDuration: 0.8 });
      if (second === 20) add(video, { freezeCount: 2, totalFreezesDuration: 0.8 });
    });
    expect(minute.video).toEqual({ all: 60_000, good: 59_200 });
    expect(minute.freezes).toBe(3);
  });

  it('counts standing still while it lasts, and once', () => {
    const minute = run(60, (second, video, audio) => {
      if (second <= 20 || second > 30) return flow(video, audio);
      if (second === 30) add(video, { framesDecoded: 10, freezeCount: 1, totalFreezesDuration: 9.4 });
    });
    expect(minute.video).toEqual({ all: 60_000, good: 50_600 });
    expect(minute.audio.good).toBe(50_000);
  });

  it('knows freezes where the browser does not count them', () => {
    const minute = run(60, (second, video, audio) => {
      delete video.freezeCount;
      delete video.totalFreezesDuration;
      flow(video, audio);
      if (second === 30) add(video, { framesDecoded: -28 });
    });
    expect(minute.freezes).toBe(1);
    expect(minute.video).toEqual({ all: 60_000, good: 59_000 });
  });

  it('counts concealed audio from 200 ms on, and not the pauses of a speaker', () => {
    const minute = run(60, (second, video, audio) => {
      flow(video, audio);
      if (second === 10) add(audio, { concealedSamples: 48 * 300 });
      if (second === 20) add(audio, { concealedSamples: 48 * 100 });
      if (second === 30) add(audio, { concealedSamples: 48_000, silentConcealedSamples: 48_000 });
    });
    expect(minute.audio).toEqual({ all: 60_000, good: 59_700 });
    expect(minute.concealed_ppm).toBe(Math.ceil((400 * 48 * 1e6) / (60 * 48_000)));
  });

  it('expects nothing of what is muted, and nothing before its first frame', () => {
    const muted = run(60, (_, _video, audio) => flow({} as Entry, audio), (track) => (track === 'cam' ? 'off' : 'on'));
    expect(muted.video).toEqual({ all: 0, good: 0 });
    const late = run(60, (second, video, audio) => second > 20 && flow(video, audio));
    expect(late.video).toEqual({ all: 40_000, good: 40_000 });
  });

  it('is late beyond 400 ms', () => {
    const minute = run(10, (second, video, audio, pair) => {
      flow(video, audio);
      pair.currentRoundTripTime = second > 5 ? 0.8 : 0.03;
    });
    expect(minute.delay).toEqual({ all: 20_000, good: 10_000 });
  });

  it('says nothing of the time in which the page slept', () => {
    const meter = new Meter();
    const audio: Entry = { id: 'a', type: 'inbound-rtp', kind: 'audio', packetsReceived: 0 };
    for (const at of [0, 1000, 2000, 62_000, 63_000]) {
      audio.packetsReceived = (audio.packetsReceived as number) + 50;
      meter.add(snapshot([[{ ...audio }]], at), on);
    }
    expect(meter.take().audio).toEqual({ all: 3000, good: 3000 });
  });
});

describe('the rule of webrtc-stats', () => {
  it('takes 150 ms more than usual, or three times that', () => {
    for (const [usual, gap, freezes] of [[33, 182, 0], [33, 183, 1], [100, 299, 0], [100, 300, 1]] as const) {
      const rule = new FreezeRule();
      for (let frame = 0; frame <= 60; frame += 1) rule.shown(1, frame * usual);
      rule.shown(1, 60 * usual + gap);
      expect([usual, gap, rule.freezes]).toEqual([usual, gap, freezes]);
    }
  });
});

describe('canonical JSON', () => {
  it('has one spelling', () => {
    expect(canonical({ b: 1, a: ['x', { d: true, c: null }], e: undefined })).toBe('{"a":["x",{"c":null,"d":true}],"b":1}');
    expect(() => canonical({ a: 0.5 })).toThrow();
  });
});
