/** How numbers are written in the panel. Pure. */

export function formatBitrate(kbps: number): string {
  if (kbps >= 1000) return `${(kbps / 1000).toFixed(kbps >= 10_000 ? 0 : 1)} Mbit/s`;
  return `${Math.round(kbps)} kbit/s`;
}

export function formatMs(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms)} ms`;
}

export function formatPercent(value: number | null): string {
  if (value === null) return '–';
  return `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} %`;
}

/** 65 → 1:05, 3725 → 1:02:05 */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = String(whole % 60).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`;
}

/** Which simulcast layer a picture of this height is: full, half or quarter. */
export function layerOf(height: number | undefined, publishedHeight: number | undefined): string {
  if (!height || !publishedHeight) return '–';
  const ratio = height / publishedHeight;
  if (ratio > 0.75) return 'f';
  return ratio > 0.375 ? 'h' : 'q';
}
