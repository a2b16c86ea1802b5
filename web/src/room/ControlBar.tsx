import { type ReactNode } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Icon, type IconName } from '../ui/Icon';
import { DeviceMenu } from './DeviceMenu';
import { onStage } from './people';
import { usePeople } from './usePeople';
import { usePublishing } from './usePublishing';

export interface ControlOptions {
  camera: boolean;
  screen: boolean;
  leaveIcon?: IconName;
  /** Buttons of the view, e.g. reactions or the raised hand. */
  extra?: ReactNode;
}

interface ControlBarProps {
  options: ControlOptions;
  qualityOpen: boolean;
  onQuality(): void;
  onLeave(): void;
}

const CAN_SHARE = typeof navigator.mediaDevices?.getDisplayMedia === 'function';

export function ControlBar({ options, qualityOpen, onQuality, onLeave }: ControlBarProps) {
  const t = useT();
  const { me } = usePeople();
  return (
    <footer className="controls">
      {onStage(me) && <MediaControls options={options} />}
      {options.extra}
      <ControlButton
        icon="chart"
        label={t('control.quality')}
        testId="quality-toggle"
        active={qualityOpen}
        onClick={onQuality}
      />
      <button
        type="button"
        className="round-button round-button-leave"
        data-testid="leave-button"
        aria-label={t(options.leaveIcon === 'hangup' ? 'control.hangup' : 'control.leave')}
        title={t(options.leaveIcon === 'hangup' ? 'control.hangup' : 'control.leave')}
        onClick={onLeave}
      >
        <Icon name={options.leaveIcon ?? 'leave'} size={24} />
      </button>
    </footer>
  );
}

function MediaControls({ options }: { options: ControlOptions }) {
  const t = useT();
  const { me, toggleMic, toggleCamera, toggleScreen } = usePublishing();
  const mic = me.isMicrophoneEnabled;
  const camera = me.isCameraEnabled;
  const sharing = me.isScreenShareEnabled;
  return (
    <>
      <ControlButton
        icon={mic ? 'mic' : 'micOff'}
        label={t(mic ? 'control.mute' : 'control.unmute')}
        testId="mute-button"
        off={!mic}
        onClick={toggleMic}
      />
      {options.camera && (
        <ControlButton
          icon={camera ? 'camera' : 'cameraOff'}
          label={t(camera ? 'control.cameraOff' : 'control.cameraOn')}
          testId="camera-button"
          off={!camera}
          onClick={toggleCamera}
        />
      )}
      {options.screen && CAN_SHARE && (
        <ControlButton
          icon="screen"
          label={t(sharing ? 'control.stopShare' : 'control.share')}
          testId="screen-button"
          active={sharing}
          onClick={toggleScreen}
        />
      )}
      <DeviceMenu withCamera={options.camera} />
    </>
  );
}

interface ControlButtonProps {
  icon: IconName;
  label: string;
  testId: string;
  /** Off: drawn as a warning, e.g. a closed microphone. */
  off?: boolean;
  active?: boolean;
  onClick(): void;
}

export function ControlButton({ icon, label, testId, off, active, onClick }: ControlButtonProps) {
  const state = off ? 'round-button-off' : active ? 'round-button-active' : '';
  return (
    <button
      type="button"
      className={`round-button ${state}`}
      data-testid={testId}
      aria-pressed={off === undefined ? active : !off}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} size={22} />
    </button>
  );
}
