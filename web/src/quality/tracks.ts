import { layerOf } from './format';
import type { Snapshot, StreamCounters } from './stats';

/** The rows of the per-track table. Pure. */

export interface TrackInfo {
  label: string;
  publishedHeight?: number;
}

export interface TrackRow {
  key: string;
  label: string;
  direction: 'send' | 'receive';
  kind: string;
  codec: string;
  resolution: string;
  fps: string;
  layer: string;
  kbps: number;
  /** false for a simulcast layer nobody watches (dynacast) and for muted tracks. */
  flowing: boolean;
}

/** Layers are ordered from full to quarter. */
const RID_ORDER = ['f', 'h', 'q'];

export function trackRows(
  before: Snapshot,
  after: Snapshot,
  describe: (trackId: string) => TrackInfo | undefined,
): TrackRow[] {
  const seconds = Math.max(after.atMs - before.atMs, 1) / 1000;
  const rows: TrackRow[] = [];
  for (const [key, stream] of after.streams) {
    const info = stream.trackId ? describe(stream.trackId) : undefined;
    // In a single peer connection, m-lines wait for tracks that may never come.
    if (!info && stream.bytes === 0) continue;
    const bytes = Math.max(0, stream.bytes - (before.streams.get(key)?.bytes ?? 0));
    rows.push(toRow(key, stream, info, (bytes * 8) / 1000 / seconds));
  }
  return rows.sort(
    (a, b) =>
      a.direction.localeCompare(b.direction) ||
      a.label.localeCompare(b.label) ||
      a.kind.localeCompare(b.kind) ||
      RID_ORDER.indexOf(a.layer) - RID_ORDER.indexOf(b.layer),
  );
}

function toRow(key: string, stream: StreamCounters, info: TrackInfo | undefined, kbps: number): TrackRow {
  const video = stream.kind === 'video';
  return {
    key,
    label: info?.label ?? stream.trackId ?? stream.id,
    direction: stream.direction,
    kind: stream.kind,
    codec: stream.codec ?? '–',
    resolution: video && stream.width && stream.height ? `${stream.width}×${stream.height}` : '–',
    fps: video && stream.fps !== undefined ? String(Math.round(stream.fps)) : '–',
    layer: video ? (stream.rid ?? receivedLayer(stream, info)) : '–',
    kbps,
    flowing: stream.active && kbps > 0,
  };
}

function receivedLayer(stream: StreamCounters, info: TrackInfo | undefined): string {
  return stream.direction === 'receive' ? layerOf(stream.height, info?.publishedHeight) : '–';
}
