import type { Why } from './picker';

/** What the players of all doors have in common. */

export interface Reading {
  atMs: number;
  /** Grows while there is something new to see, or to hear where there is no picture. */
  moved: number;
  delayMs: number | null;
  frames: number;
  dropped: number;
  width: number;
  height: number;
  codec?: string;
  /** Since the player was opened. */
  bytes?: number;
  /** Where a player counts the rate itself. */
  kbps?: number;
  bufferMs?: number | null;
  jitterMs?: number | null;
  rttMs?: number | null;
  lost?: number;
}

export interface Player {
  read(): Promise<Reading>;
  /** To the present, after a pause. */
  toLive?(): void;
  close(): void;
}

export interface Opening {
  video: HTMLVideoElement;
  room: string;
  token?: string;
  /** The element has something to play. */
  onMedia(): void;
  /** It will not go on. */
  onFailed(why: Why): void;
}

/** Begins at once; what goes wrong is told by `onFailed`. */
export type OpenDoor = (opening: Opening) => Player;

/** The address of a door, with the token where there is one. */
export function doorUrl(path: string, token: string | undefined): string {
  return token ? `${path}?token=${encodeURIComponent(token)}` : path;
}

/** What the element itself knows. */
export function readElement(video: HTMLVideoElement): Reading {
  const quality = video.getVideoPlaybackQuality?.();
  const frames = quality?.totalVideoFrames ?? 0;
  return {
    atMs: performance.now(),
    moved: video.videoWidth > 0 && quality ? frames : Math.floor(video.currentTime * 10),
    delayMs: null,
    frames,
    dropped: quality?.droppedVideoFrames ?? 0,
    width: video.videoWidth,
    height: video.videoHeight,
  };
}

export function bufferedEnds({ buffered }: HTMLVideoElement): number[] {
  return Array.from({ length: buffered.length }, (_, nth) => buffered.end(nth));
}

/** Leaves the element as if nothing had played. */
export function emptyElement(video: HTMLVideoElement): void {
  video.srcObject = null;
  video.removeAttribute('src');
  video.load();
}

export const wordsOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
