import {
  createLocalAudioTrack,
  createLocalVideoTrack,
  type LocalAudioTrack,
  type LocalVideoTrack,
} from 'livekit-client';
import { useEffect, useState } from 'react';

/** A local preview of one device; it is released as soon as it is no longer wanted. */

type Kind = 'camera' | 'microphone';
type TrackOf<K extends Kind> = K extends 'camera' ? LocalVideoTrack : LocalAudioTrack;

export interface Preview<K extends Kind> {
  track?: TrackOf<K>;
  error?: unknown;
}

export function usePreview<K extends Kind>(kind: K, wanted: boolean, deviceId: string | undefined): Preview<K> {
  const [preview, setPreview] = useState<Preview<K>>({});
  useEffect(() => {
    if (!wanted) return setPreview({});
    let stale = false;
    let opened: TrackOf<K> | undefined;
    open(kind, deviceId).then(
      (track) => {
        opened = track;
        if (stale) track.stop();
        else setPreview({ track });
      },
      (error: unknown) => stale || setPreview({ error }),
    );
    return () => {
      stale = true;
      opened?.stop();
    };
  }, [kind, wanted, deviceId]);
  return preview;
}

async function open<K extends Kind>(kind: K, deviceId: string | undefined): Promise<TrackOf<K>> {
  const options = deviceId ? { deviceId } : undefined;
  const track = kind === 'camera' ? createLocalVideoTrack(options) : createLocalAudioTrack(options);
  return (await track) as TrackOf<K>;
}
