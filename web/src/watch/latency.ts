/** How late a player shows things, from what browsers and players tell. Pure. */

export interface StatsEntry {
  id: string;
  type: string;
  [field: string]: unknown;
}

/** Cumulative counters of one instant of a WebRTC player. */
export interface WhepCounters {
  atMs: number;
  bytes: number;
  lost: number;
  /** Pictures, or blocks of sound where there is no picture. */
  moved: number;
  framesDropped: number;
  width: number;
  height: number;
  codec?: string;
  jitterDelayS: number;
  jitterCount: number;
  rttMs: number | null;
}

/** Reads a stats report; the picture's jitter buffer counts, or the sound's where there is none. */
export function readWhep(report: Iterable<StatsEntry>, atMs: number): WhepCounters {
  const entries = new Map<string, StatsEntry>();
  for (const entry of report) entries.set(entry.id, entry);
  const inbound = [...entries.values()].filter((entry) => entry.type === 'inbound-rtp');
  const video = inbound.find((entry) => entry.kind === 'video' && num(entry.packetsReceived) > 0);
  const main = video ?? inbound.find((entry) => entry.kind === 'audio');
  const codec = entries.get(String(main?.codecId ?? ''));
  return {
    atMs,
    bytes: sum(inbound, 'bytesReceived'),
    lost: sum(inbound, 'packetsLost'),
    moved: video ? num(video.framesDecoded) : Math.floor(num(main?.packetsReceived) / 10),
    framesDropped: num(video?.framesDropped),
    width: num(video?.frameWidth),
    height: num(video?.frameHeight),
    codec: typeof codec?.mimeType === 'string' ? codec.mimeType.replace(/^\w+\//, '') : undefined,
    jitterDelayS: num(main?.jitterBufferDelay),
    jitterCount: num(main?.jitterBufferEmittedCount),
    rttMs: rttOf(entries),
  };
}

function rttOf(entries: Map<string, StatsEntry>): number | null {
  for (const entry of entries.values()) {
    if (entry.type !== 'candidate-pair' || entry.nominated !== true) continue;
    if (typeof entry.currentRoundTripTime === 'number') return entry.currentRoundTripTime * 1000;
  }
  return null;
}

/** Mean time in the jitter buffer of what left it between two instants. */
export function jitterMs(before: WhepCounters | undefined, now: WhepCounters): number | null {
  const count = now.jitterCount - (before?.jitterCount ?? 0);
  if (count <= 0) return null;
  return ((now.jitterDelayS - (before?.jitterDelayS ?? 0)) / count) * 1000;
}

/** The way from the server takes half a round trip; the rest is waited in the jitter buffer. */
export function whepDelayMs(jitter: number | null, rttMs: number | null): number | null {
  return jitter === null ? null : jitter + (rttMs ?? 0) / 2;
}

/** What is buffered ahead of the picture on a connection that sends no faster than live. */
export function bufferMs(ends: readonly number[], currentTime: number): number | null {
  const end = ends.at(-1);
  return end === undefined ? null : Math.max(0, (end - currentTime) * 1000);
}

/** Per second, between two counters. */
export function ratePerS(before: number, now: number, elapsedMs: number): number | null {
  return elapsedMs > 0 && now >= before ? ((now - before) / elapsedMs) * 1000 : null;
}

const num = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const sum = (entries: StatsEntry[], field: string) => entries.reduce((total, entry) => total + num(entry[field]), 0);
