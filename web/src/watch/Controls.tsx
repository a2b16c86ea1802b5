import { type RefObject, useEffect, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Icon, type IconName } from '../ui/Icon';
import { DOORS, type State } from './picker';
import type { Playback, View } from './playback';

interface ControlsProps {
  video: HTMLVideoElement | null;
  /** What becomes full screen. */
  box: RefObject<HTMLDivElement | null>;
  view: View;
  playback: Playback;
  stats: boolean;
  onStats(): void;
}

export function Controls({ video, box, view, playback, stats, onStats }: ControlsProps) {
  const t = useT();
  const { muted, paused, picker } = view;
  const playing = picker.phase === 'playing';
  return (
    <div className="watch-controls">
      <Control
        icon={paused ? 'play' : 'pause'}
        label={t(paused ? 'watch.play' : 'watch.pause')}
        testId="watch-pause"
        disabled={!playing}
        onClick={() => playback.pause(!paused)}
      />
      <Control
        icon={muted ? 'mute' : 'speaker'}
        label={t(muted ? 'watch.unmute' : 'watch.mute')}
        testId="watch-mute"
        onClick={() => playback.mute(!muted)}
      />
      {video && <Volume video={video} muted={muted} onMuted={(muted) => playback.mute(muted)} />}
      <span className="watch-gap" />
      <WayChoice picker={picker} onChoose={(choice) => playback.handle({ type: 'choose', choice })} />
      <Control icon="chart" label={t('watch.stats')} testId="watch-stats" pressed={stats} onClick={onStats} />
      {video && document.pictureInPictureEnabled && (
        <Control
          icon="pip"
          label={t('watch.pip')}
          testId="watch-pip"
          disabled={!playing}
          onClick={() => void togglePip(video)}
        />
      )}
      {video && <Fullscreen video={video} box={box} />}
    </div>
  );
}

interface ControlProps {
  icon: IconName;
  label: string;
  testId: string;
  pressed?: boolean;
  disabled?: boolean;
  onClick(): void;
}

function Control({ icon, label, testId, pressed, disabled, onClick }: ControlProps) {
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      data-testid={testId}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} size={22} />
    </button>
  );
}

function Volume({ video, muted, onMuted }: { video: HTMLVideoElement; muted: boolean; onMuted(muted: boolean): void }) {
  const t = useT();
  const [volume, setVolume] = useState(video.volume);
  const change = (value: number) => {
    video.volume = value;
    setVolume(value);
    if (muted === value > 0) onMuted(value === 0);
  };
  return (
    <input
      type="range"
      className="watch-volume"
      min="0"
      max="1"
      step="0.05"
      aria-label={t('watch.volume')}
      value={muted ? 0 : volume}
      onChange={(e) => change(Number(e.target.value))}
    />
  );
}

function WayChoice({ picker, onChoose }: { picker: State; onChoose(choice: State['choice']): void }) {
  const t = useT();
  return (
    <select
      className="watch-way"
      aria-label={t('watch.way')}
      title={t('watch.way')}
      data-testid="watch-way"
      value={picker.choice}
      onChange={(e) => onChoose(e.target.value as State['choice'])}
    >
      <option value="auto">{t('watch.way.auto')}</option>
      {DOORS.map((door) => (
        <option key={door} value={door} title={t(`watch.door.${door}.text`)}>{t(`watch.door.${door}`)}</option>
      ))}
    </select>
  );
}

/** Phones from Apple show only the video itself in full screen. */
interface AppleVideo extends HTMLVideoElement {
  webkitEnterFullscreen?(): void;
}

function Fullscreen({ video, box }: { video: AppleVideo; box: RefObject<HTMLDivElement | null> }) {
  const t = useT();
  const [full, setFull] = useState(false);
  useEffect(() => {
    const changed = () => setFull(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  const toggle = () => {
    if (full) return void document.exitFullscreen();
    if (box.current?.requestFullscreen) return void box.current.requestFullscreen().catch(() => undefined);
    video.webkitEnterFullscreen?.();
  };
  return (
    <Control
      icon={full ? 'shrink' : 'fullscreen'}
      label={t(full ? 'watch.fullscreen.exit' : 'watch.fullscreen')}
      testId="watch-fullscreen"
      onClick={toggle}
    />
  );
}

async function togglePip(video: HTMLVideoElement): Promise<void> {
  if (document.pictureInPictureElement) return document.exitPictureInPicture();
  await video.requestPictureInPicture().catch(() => undefined);
}
