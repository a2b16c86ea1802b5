import { Room } from 'livekit-client';
import { useEffect, useState } from 'react';

export interface DeviceLists {
  camera: MediaDeviceInfo[];
  microphone: MediaDeviceInfo[];
  speaker: MediaDeviceInfo[];
}

const NONE: DeviceLists = { camera: [], microphone: [], speaker: [] };

/** `refresh` changes when a permission was granted: only then devices have names. */
export function useDevices(refresh: unknown): DeviceLists {
  const [lists, setLists] = useState(NONE);
  useEffect(() => {
    let stale = false;
    const read = async () => {
      const [camera, microphone, speaker] = await Promise.all([
        Room.getLocalDevices('videoinput', false),
        Room.getLocalDevices('audioinput', false),
        Room.getLocalDevices('audiooutput', false),
      ]);
      if (!stale) setLists({ camera, microphone, speaker });
    };
    const update = () => void read().catch(() => undefined);
    update();
    navigator.mediaDevices?.addEventListener('devicechange', update);
    return () => {
      stale = true;
      navigator.mediaDevices?.removeEventListener('devicechange', update);
    };
  }, [refresh]);
  return lists;
}
