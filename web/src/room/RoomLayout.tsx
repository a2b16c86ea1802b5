import { useConnectionState } from '@livekit/components-react';
import { ConnectionState } from 'livekit-client';
import { type ReactNode, useState } from 'react';
import { LanguageSwitch } from '../app/Header';
import { goLivePath } from '../app/routes';
import { useCredentials } from '../auth/CredentialsProvider';
import { InviteSheet } from '../auth/InviteSheet';
import { useT } from '../i18n/I18nProvider';
import { QualityPanel } from '../quality/QualityPanel';
import { Icon } from '../ui/Icon';
import { ControlBar, type ControlOptions } from './ControlBar';
import type { Session } from './session';
import { SoundGate } from './SoundGate';
import { useElapsed } from './useElapsed';

interface RoomLayoutProps {
  session: Session;
  controls: ControlOptions;
  onLeave(): void;
  /** Stands in the top bar, e.g. the number of viewers. */
  status?: ReactNode;
  /** A column beside the stage, e.g. the chat. */
  side?: ReactNode;
  /** Voice rooms follow the colour scheme; pictures look best in the dark. */
  theatre?: boolean;
  children: ReactNode;
}

export function RoomLayout({ session, controls, onLeave, status, side, theatre = true, children }: RoomLayoutProps) {
  const [quality, setQuality] = useState(false);
  const [invite, setInvite] = useState(false);
  const { kind, roomName } = session.request;
  return (
    <div className={`room ${theatre ? 'theatre' : ''}`} data-testid="room" data-kind={kind}>
      <TopBar session={session} status={status} onInvite={() => setInvite(true)} />
      <div className="room-main">
        <main className="room-stage">
          {children}
          <ConnectionBanner roomName={roomName} />
          <SoundGate />
        </main>
        {side}
        {quality && <QualityPanel monitor={session.quality} onClose={() => setQuality(false)} />}
      </div>
      <ControlBar
        options={controls}
        qualityOpen={quality}
        onQuality={() => setQuality((open) => !open)}
        onLeave={onLeave}
      />
      {invite && <InviteSheet kind={kind} room={roomName} onClose={() => setInvite(false)} />}
    </div>
  );
}

interface TopBarProps {
  session: Session;
  status: ReactNode;
  onInvite(): void;
}

function TopBar({ session, status, onInvite }: TopBarProps) {
  const t = useT();
  const elapsed = useElapsed();
  return (
    <header className="room-top">
      <img src="/favicon.svg" alt="Surecast" width="26" height="26" />
      <div className="room-title">
        <strong>{session.request.roomName}</strong>
        <small>{t(`kind.${session.request.kind}`)} · <time>{elapsed}</time></small>
      </div>
      <div className="room-top-end">
        {status}
        <EncoderLink session={session} />
        <button type="button" className="button button-quiet" data-testid="invite-button" onClick={onInvite}>
          <Icon name="link" size={18} />
          <span className="label">{t('control.invite')}</span>
        </button>
        <LanguageSwitch />
      </div>
    </header>
  );
}

/** For who can sign stream keys. In a tab of its own: leaving this page leaves the room. */
function EncoderLink({ session }: { session: Session }) {
  const t = useT();
  const { keys } = useCredentials();
  const { kind, roomName, role } = session.request;
  if (!keys || kind !== 'show' || role !== 'host') return null;
  return (
    <a
      className="button button-quiet"
      href={goLivePath(roomName)}
      target="_blank"
      rel="opener"
      title={t('golive.fromRoom.title')}
      aria-label={t('golive.fromRoom.title')}
      data-testid="encoder-link"
    >
      <Icon name="antenna" size={18} />
      <span className="label">{t('golive.fromRoom')}</span>
    </a>
  );
}

function ConnectionBanner({ roomName }: { roomName: string }) {
  const t = useT();
  const state = useConnectionState();
  if (state === ConnectionState.Connected || state === ConnectionState.Disconnected) return null;
  return (
    <p className="connection-banner" role="status">
      <span className="spinner" />
      {state === ConnectionState.Connecting ? t('room.connecting', { room: roomName }) : t('room.reconnecting')}
    </p>
  );
}
