import { type FormEvent, type ReactNode, useState } from 'react';
import { navigate } from '../app/navigation';
import { goLivePath, type Role, ROOM_KINDS, type RoomKind, roomPath, watchPath } from '../app/routes';
import { useT } from '../i18n/I18nProvider';
import { Icon, type IconName } from '../ui/Icon';
import { KIND_ICON } from './RoomList';
import { suggestRoomName } from './roomNames';

/** The kinds of room, and the one that an encoder fills. */
export function StartCards() {
  const t = useT();
  return (
    <section aria-labelledby="start-title">
      <div className="section-head"><h2 id="start-title">{t('home.start')}</h2></div>
      <div className="cards">
        {ROOM_KINDS.map((kind) => <StartCard key={kind} kind={kind} />)}
        <BroadcastCard />
      </div>
    </section>
  );
}

const FIRST_ROLE: Record<RoomKind, Role> = { call: 'caller', show: 'host', voice: 'host' };

function StartCard({ kind }: { kind: RoomKind }) {
  const t = useT();
  const [room, setRoom] = useState(suggestRoomName);
  const open = (role: Role) => navigate(roomPath(kind, room.trim(), role));
  return (
    <Card kind={kind} icon={KIND_ICON[kind]} room={room} onRoom={setRoom} onStart={() => open(FIRST_ROLE[kind])}>
      {kind === 'show' && (
        <button type="button" className="button button-quiet" disabled={!room.trim()} onClick={() => open('audience')}>
          {t('kind.show.watch')}
        </button>
      )}
    </Card>
  );
}

function BroadcastCard() {
  const t = useT();
  const [room, setRoom] = useState(suggestRoomName);
  const open = () => navigate(goLivePath(room.trim()));
  const watch = () => navigate(watchPath(room.trim()));
  return (
    <Card kind="broadcast" icon="antenna" room={room} onRoom={setRoom} onStart={open}>
      <button type="button" className="button button-quiet" data-testid="start-watch" disabled={!room.trim()} onClick={watch}>
        {t('home.rooms.watch')}
      </button>
    </Card>
  );
}

interface CardProps {
  kind: RoomKind | 'broadcast';
  icon: IconName;
  room: string;
  onRoom(name: string): void;
  onStart(): void;
  /** Other ways to begin. */
  children?: ReactNode;
}

function Card({ kind, icon, room, onRoom, onStart, children }: CardProps) {
  const t = useT();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onStart();
  };
  return (
    <form className={`card card-${kind}`} onSubmit={submit}>
      <span className="card-icon"><Icon name={icon} size={24} /></span>
      <h3>{t(`kind.${kind}`)}</h3>
      <p>{t(`kind.${kind}.text`)}</p>
      <label className="field">
        <span>{t('home.roomName')}</span>
        <input required maxLength={128} pattern=".*\S.*" value={room} onChange={(e) => onRoom(e.target.value)} />
      </label>
      <div className="card-actions">
        <button type="submit" className="button button-primary" data-testid={`start-${kind}`}>
          {t(`kind.${kind}.action`)}
        </button>
        {children}
      </div>
    </form>
  );
}
