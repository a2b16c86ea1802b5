import { useMediaDeviceSelect } from '@livekit/components-react';
import { useEffect, useRef, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { DeviceSelect, type DeviceKind } from '../prejoin/DeviceSelect';
import { useToast } from '../ui/toasts';
import { ControlButton } from './ControlBar';
import { explainMediaError } from './explain';

export function DeviceMenu({ withCamera }: { withCamera: boolean }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const onPress = (event: Event) => {
      const outside = event instanceof MouseEvent && !box.current?.contains(event.target as Node);
      if (outside || (event instanceof KeyboardEvent && event.key === 'Escape')) setOpen(false);
    };
    document.addEventListener('mousedown', onPress);
    document.addEventListener('keydown', onPress);
    return () => {
      document.removeEventListener('mousedown', onPress);
      document.removeEventListener('keydown', onPress);
    };
  }, [open]);
  return (
    <div className="popover-anchor" ref={box}>
      <ControlButton
        icon="settings"
        label={t('device.settings')}
        testId="device-button"
        active={open}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <div className="popover" role="dialog" aria-label={t('device.settings')}>
          <LiveDeviceSelect kind="microphone" media="audioinput" />
          {withCamera && <LiveDeviceSelect kind="camera" media="videoinput" />}
          <LiveDeviceSelect kind="speaker" media="audiooutput" />
        </div>
      )}
    </div>
  );
}

function LiveDeviceSelect({ kind, media }: { kind: DeviceKind; media: MediaDeviceKind }) {
  const t = useT();
  const toast = useToast();
  const { devices, activeDeviceId, setActiveMediaDevice } = useMediaDeviceSelect({ kind: media });
  const choose = (deviceId: string) => {
    setActiveMediaDevice(deviceId, { exact: true }).catch((error: unknown) =>
      toast(explainMediaError(t, kind === 'camera' ? 'camera' : 'microphone', error), 'error'),
    );
  };
  return <DeviceSelect kind={kind} devices={devices} value={activeDeviceId} onChange={choose} />;
}
