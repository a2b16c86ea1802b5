/**
 * From WebRTC statistics to the samples the quality panel draws. Pure: it takes plain
 * records in the shape of RTCStatsReport entries, so it runs without a browser.
 */

export interface StatsEntry {
  id: string;
  type: string;
  timestamp: number;
  [field: string]: unknown;
}

/** Cumulative counters of one RTP stream. */
export interface StreamCounters {
  id: string;
  direction: 'send' | 'receive';
  kind: string;
  trackId?: string;
  bytes: number;
  packets: number;
  lost: number;
  freezes: number;
  freezeMs: number;
  framesDecoded: number;
  codec?: string;
  width?: number;
  height?: number;
  fps?: number;
  rid?: string;
  active: boolean;
}

export interface Snapshot {
  atMs: number;
  streams: Map<string, StreamCounters>;
  rttMs?: number;
}

export interface Sample {
  atMs: number;
  sendKbps: number;
  receiveKbps: number;
  sendLossPct: number | null;
  receiveLossPct: number | null;
  rttMs: number | null;
  freezes: number;
  freezeMs: number;
}

/** Reads all reports of one instant: one per peer connection. */
export function takeSnapshot(reports: Iterable<StatsEntry>[], atMs: number): Snapshot {
  const streams = new Map<string, StreamCounters>();
  let rttMs: number | undefined;
  reports.forEach((report, index) => {
    const entries = new Map<string, StatsEntry>();
    for (const entry of report) entries.set(entry.id, entry);
    for (const stream of readStreams(entries)) {
      // Two peer connections may use the same stats ids.
      streams.set(`${index}/${stream.id}`, stream);
    }
    rttMs ??= readRtt(entries);
  });
  return { atMs, streams, rttMs };
}

function readStreams(entries: Map<string, StatsEntry>): StreamCounters[] {
  const streams: StreamCounters[] = [];
  for (const entry of entries.values()) {
    if (entry.type === 'inbound-rtp') streams.push(readInbound(entry, entries));
    if (entry.type === 'outbound-rtp') streams.push(readOutbound(entry, entries));
  }
  return streams;
}

function readInbound(entry: StatsEntry, entries: Map<string, StatsEntry>): StreamCounters {
  return {
    ...readCommon(entry, entries, 'receive'),
    trackId: str(entry.trackIdentifier),
    bytes: num(entry.bytesReceived),
    packets: num(entry.packetsReceived),
    lost: num(entry.packetsLost),
    freezes: num(entry.freezeCount),
    freezeMs: num(entry.totalFreezesDuration) * 1000,
    framesDecoded: num(entry.framesDecoded),
    active: true,
  };
}

/** What was sent and lost is known from the receiver's report (remote-inbound-rtp). */
function readOutbound(entry: StatsEntry, entries: Map<string, StatsEntry>): StreamCounters {
  const source = entries.get(str(entry.mediaSourceId) ?? '');
  const remote = entries.get(str(entry.remoteId) ?? '');
  return {
    ...readCommon(entry, entries, 'send'),
    trackId: str(source?.trackIdentifier),
    bytes: num(entry.bytesSent),
    packets: num(entry.packetsSent),
    lost: num(remote?.packetsLost),
    freezes: 0,
    freezeMs: 0,
    framesDecoded: 0,
    rid: str(entry.rid),
    active: entry.active !== false,
  };
}

function readCommon<D extends 'send' | 'receive'>(
  entry: StatsEntry,
  entries: Map<string, StatsEntry>,
  direction: D,
) {
  const mimeType = str(entries.get(str(entry.codecId) ?? '')?.mimeType);
  return {
    id: entry.id,
    direction,
    kind: str(entry.kind) ?? '',
    codec: mimeType?.split('/')[1],
    width: optional(entry.frameWidth),
    height: optional(entry.frameHeight),
    fps: optional(entry.framesPerSecond),
  };
}

/** The selected pair of the transport; older browsers only mark it as nominated. */
function readRtt(entries: Map<string, StatsEntry>): number | undefined {
  for (const entry of entries.values()) {
    if (entry.type !== 'transport') continue;
    const pair = entries.get(str(entry.selectedCandidatePairId) ?? '');
    const seconds = optional(pair?.currentRoundTripTime);
    if (seconds !== undefined) return seconds * 1000;
  }
  for (const entry of entries.values()) {
    const usable = entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded';
    const seconds = usable ? optional(entry.currentRoundTripTime) : undefined;
    if (seconds !== undefined) return seconds * 1000;
  }
  return undefined;
}

/** The rates between two snapshots. Streams come and go, so each is compared with itself. */
export function sampleBetween(before: Snapshot, after: Snapshot): Sample {
  const seconds = Math.max(after.atMs - before.atMs, 1) / 1000;
  const send = sumDeltas(before, after, 'send');
  const receive = sumDeltas(before, after, 'receive');
  return {
    atMs: after.atMs,
    sendKbps: (send.bytes * 8) / 1000 / seconds,
    receiveKbps: (receive.bytes * 8) / 1000 / seconds,
    sendLossPct: share(send.lost, send.packets),
    // Packets received do not contain the lost ones; packets sent do.
    receiveLossPct: share(receive.lost, receive.packets + receive.lost),
    rttMs: after.rttMs ?? null,
    freezes: receive.freezes,
    freezeMs: receive.freezeMs,
  };
}

type Field = 'bytes' | 'packets' | 'lost' | 'freezes' | 'freezeMs';

function sumDeltas(before: Snapshot, after: Snapshot, direction: 'send' | 'receive') {
  const sums: Record<Field, number> = { bytes: 0, packets: 0, lost: 0, freezes: 0, freezeMs: 0 };
  for (const [key, stream] of after.streams) {
    if (stream.direction !== direction) continue;
    const earlier = before.streams.get(key);
    for (const field of Object.keys(sums) as Field[]) {
      sums[field] += delta(earlier?.[field], stream[field]);
    }
  }
  return sums;
}

/** A counter that went down was restarted (or corrected by a late packet): it counts as 0. */
function delta(before: number | undefined, after: number): number {
  return Math.max(0, after - (before ?? 0));
}

/** null, not 0, when nothing was transported: a gap in the plot instead of a false "0 %". */
function share(part: number, whole: number): number | null {
  return whole > 0 ? Math.min(100, (part / whole) * 100) : null;
}

export function framesDecoded(snapshot: Snapshot): number {
  let frames = 0;
  for (const stream of snapshot.streams.values()) frames += stream.framesDecoded;
  return frames;
}

const num = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const optional = (value: unknown) => (typeof value === 'number' ? value : undefined);
const str = (value: unknown) => (typeof value === 'string' && value ? value : undefined);
