import { useRoomContext } from '@livekit/components-react';
import { useCallback } from 'react';
import { useT } from '../i18n/I18nProvider';
import { useToast } from '../ui/toasts';
import { explainMediaError } from './explain';
import { publishDevices } from './session';

/** Turns devices on and off; what goes wrong is said in a toast. */
export function usePublishing() {
  const t = useT();
  const toast = useToast();
  const room = useRoomContext();
  const me = room.localParticipant;

  const turnOn = useCallback(
    async (audio: boolean, video: boolean) => {
      const failures = await publishDevices(room, audio, video);
      for (const { device, cause } of failures) toast(explainMediaError(t, device, cause), 'error');
    },
    [room, t, toast],
  );
  const toggleMic = () =>
    me.isMicrophoneEnabled ? void me.setMicrophoneEnabled(false) : void turnOn(true, false);
  const toggleCamera = () => (me.isCameraEnabled ? void me.setCameraEnabled(false) : void turnOn(false, true));
  const toggleScreen = () => {
    // Closing the browser's picker rejects; that is a choice, not a failure.
    void me.setScreenShareEnabled(!me.isScreenShareEnabled, { audio: true }).catch(() => undefined);
  };
  return { me, turnOn, toggleMic, toggleCamera, toggleScreen };
}
