import { useEffect, useState } from 'react';
import type { RoomSummary } from '../api/rooms';
import type { ApiError } from '../api/twirp';
import { ROOM_KINDS, type RoomKind, roomPath } from '../app/routes';
import { useCredentials } from '../auth/CredentialsProvider';
import { InviteSheet } from '../auth/InviteSheet';
import { canSign } from '../auth/jwt';
import { SignInButton } from '../auth/SignInButton';
import { useT } from '../i18n/I18nProvider';
import { formatDuration } from '../quality/format';
import { Icon, type IconName } from '../ui/Icon';
import { Link } from '../ui/Link';
import { Notice } from '../ui/Notice';
import { useRooms } from './useRooms';

export const KIND_ICON: Record<RoomKind, IconName> = { call: 'camera', show: 'live', voice: 'mic' };

export function RoomList() {
  const t = useT();
  const { status, keys } = useCredentials();
  const { rooms, error } = useRooms(canSign() ? keys : undefined);
  return (
    <section className="rooms" aria-labelledby="rooms-title">
      <div className="section-head">
        <h2 id="rooms-title">{t('home.rooms')}</h2>
        {rooms && rooms.length > 0 && (
          <span className="badge badge-live">{t('home.rooms.count', { n: rooms.length })}</span>
        )}
      </div>
      {error && <RoomsError error={error} />}
      {status === 'ready' && !keys && (
        <Notice tone="empty" icon="key" title={t('home.rooms.signin')} action={<SignInButton primary />}>
          {t('home.rooms.signin.text')}
        </Notice>
      )}
      {keys && canSign() && !rooms && !error && <RoomsLoading />}
      {rooms?.length === 0 && !error && (
        <Notice tone="empty" icon="live" title={t('home.rooms.empty')}>{t('home.rooms.empty.text')}</Notice>
      )}
      {rooms && rooms.length > 0 && <RoomTable rooms={rooms} />}
    </section>
  );
}

function RoomsLoading() {
  const t = useT();
  return (
    <div className="skeletons" role="status" aria-label={t('home.rooms.loading')}>
      <span className="skeleton" />
      <span className="skeleton" />
    </div>
  );
}

function RoomsError({ error }: { error: ApiError }) {
  const t = useT();
  const detail = `HTTP ${error.status}${error.code ? ` ${error.code}` : ''}: ${error.message}`;
  const denied = error.status === 401 || error.status === 403;
  const text = denied
    ? t('error.rooms.denied', { detail })
    : error.code === 'unreachable'
      ? t('error.rooms.unreachable', { origin: window.location.origin })
      : t('error.rooms.other', { detail });
  return <Notice tone="error" title={t('error.rooms.title')}>{text}</Notice>;
}

function useNowS(): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function RoomTable({ rooms }: { rooms: RoomSummary[] }) {
  const t = useT();
  const nowS = useNowS();
  const [invite, setInvite] = useState<{ kind: RoomKind; room: string }>();
  return (
    <>
      <div className="room-table" role="table" aria-label={t('home.rooms')}>
        <div className="room-row room-row-head" role="row">
          <span role="columnheader">{t('home.rooms.room')}</span>
          <span role="columnheader" className="num">{t('home.rooms.participants')}</span>
          <span role="columnheader" className="num">{t('home.rooms.publishers')}</span>
          <span role="columnheader" className="num">{t('home.rooms.duration')}</span>
          <span role="columnheader" className="sr-only">{t('home.rooms.openAs')}</span>
        </div>
        {rooms.map((room) => (
          <RoomRow
            key={room.sid || room.name}
            room={room}
            nowS={nowS}
            onInvite={(kind) => setInvite({ kind, room: room.name })}
          />
        ))}
      </div>
      {invite && <InviteSheet {...invite} onClose={() => setInvite(undefined)} />}
    </>
  );
}

interface RoomRowProps {
  room: RoomSummary;
  nowS: number;
  onInvite(kind: RoomKind): void;
}

function RoomRow({ room, nowS, onInvite }: RoomRowProps) {
  const t = useT();
  const openFor = room.createdAtS ? formatDuration(nowS - room.createdAtS) : '–';
  return (
    <div className="room-row" role="row" data-testid="room-row" data-room={room.name}>
      <span role="cell" className="room-name">
        <span className="room-kind"><Icon name={room.kind ? KIND_ICON[room.kind] : 'people'} size={18} /></span>
        <span>
          <strong>{room.name}</strong>
          {room.kind && <small>{t(`kind.${room.kind}`)}</small>}
        </span>
      </span>
      <span role="cell" className="num" data-label={t('home.rooms.participants')}>{room.participants}</span>
      <span role="cell" className="num" data-label={t('home.rooms.publishers')}>{room.publishers}</span>
      <span role="cell" className="num" data-label={t('home.rooms.duration')}>{openFor}</span>
      <span role="cell" className="room-actions">
        <OpenLinks room={room} />
        <button
          type="button"
          className="icon-button"
          title={t('control.invite')}
          aria-label={`${t('control.invite')}: ${room.name}`}
          onClick={() => onInvite(room.kind ?? 'call')}
        >
          <Icon name="link" />
        </button>
      </span>
    </div>
  );
}

/** A room made by another client says nothing about its kind: then all pages are offered. */
function OpenLinks({ room }: { room: RoomSummary }) {
  const t = useT();
  const label = { call: t('home.rooms.join'), show: t('home.rooms.watch'), voice: t('home.rooms.listen') };
  if (room.kind) {
    return <Link className="button button-small button-tonal" to={openPath(room.kind, room.name)}>{label[room.kind]}</Link>;
  }
  return ROOM_KINDS.map((kind) => (
    <Link
      key={kind}
      className="icon-button"
      to={openPath(kind, room.name)}
      title={t(`kind.${kind}`)}
      aria-label={`${t(`kind.${kind}`)}: ${room.name}`}
    >
      <Icon name={KIND_ICON[kind]} />
    </Link>
  ));
}

function openPath(kind: RoomKind, room: string): string {
  return roomPath(kind, room, kind === 'show' ? 'audience' : kind === 'voice' ? 'listener' : undefined);
}
