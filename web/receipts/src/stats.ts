/** What is read of WebRTC statistics: counters of incoming streams, and the round trip. */

export interface Entry {
  id: string;
  type: string;
  [field: string]: unknown;
}

export interface Incoming {
  id: string;
  kind: 'audio' | 'video';
  track: string;
  packets: number;
  frames: number;
  /** Absent where the browser does not say. */
  freezes?: number;
  freezeMs?: number;
  samples: number;
  /** Made up by the decoder, but not as a pause of the speaker. */
  concealed: number;
  bufferMs: number;
  emitted: number;
}

export interface Snapshot {
  at: number;
  streams: Map<string, Incoming>;
  rttMs?: number;
}

export function snapshot(reports: readonly Iterable<Entry>[], at: number): Snapshot {
  const streams = new Map<string, Incoming>();
  let rttMs: number | undefined;
  reports.forEach((report, index) => {
    for (const entry of report) {
      // Two peer connections may use the same ids.
      if (entry.type === 'inbound-rtp') streams.set(`${index}/${entry.id}`, incoming(`${index}/${entry.id}`, entry));
      const used = entry.type === 'candidate-pair' && (entry.nominated === true || entry.selected === true);
      if (used && typeof entry.currentRoundTripTime === 'number') rttMs = entry.currentRoundTripTime * 1000;
    }
  });
  return rttMs === undefined ? { at, streams } : { at, streams, rttMs };
}

function incoming(id: string, entry: Entry): Incoming {
  const stream: Incoming = {
    id,
    kind: entry.kind === 'audio' ? 'audio' : 'video',
    track: typeof entry.trackIdentifier === 'string' ? entry.trackIdentifier : '',
    packets: count(entry.packetsReceived),
    frames: count(entry.framesDecoded),
    samples: count(entry.totalSamplesReceived),
    concealed: count(entry.concealedSamples) - count(entry.silentConcealedSamples),
    bufferMs: count(entry.jitterBufferDelay) * 1000,
    emitted: count(entry.jitterBufferEmittedCount),
  };
  if (typeof entry.freezeCount === 'number' && typeof entry.totalFreezesDuration === 'number') {
    stream.freezes = entry.freezeCount;
    stream.freezeMs = entry.totalFreezesDuration * 1000;
  }
  return stream;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
