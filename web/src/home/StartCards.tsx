import { type FormEvent, useState } from 'react';
import { navigate } from '../app/navigation';
import { type Role, ROOM_KINDS, type RoomKind, roomPath } from '../app/routes';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { KIND_ICON } from './RoomList';
import { suggestRoomName } from './roomNames';

/** One room name, three ways to use it. */
export function StartCards() {
  const t = useT();
  return (
    <section aria-labelledby="start-title">
      <div className="section-head"><h2 id="start-title">{t('home.start')}</h2></div>
      <div className="cards">
        {ROOM_KINDS.map((kind) => <StartCard key={kind} kind={kind} />)}
      </div>
    </section>
  );
}

const FIRST_ROLE: Record<RoomKind, Role> = { call: 'caller', show: 'host', voice: 'host' };

function StartCard({ kind }: { kind: RoomKind }) {
  const t = useT();
  const [room, setRoom] = useState(suggestRoomName);
  const open = (role: Role) => navigate(roomPath(kind, room.trim(), role));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open(FIRST_ROLE[kind]);
  };
  return (
    <form className={`card card-${kind}`} onSubmit={submit}>
      <span className="card-icon"><Icon name={KIND_ICON[kind]} size={24} /></span>
      <h3>{t(`kind.${kind}`)}</h3>
      <p>{t(`kind.${kind}.text`)}</p>
      <label className="field">
        <span>{t('home.roomName')}</span>
        <input required maxLength={128} pattern=".*\S.*" value={room} onChange={(e) => setRoom(e.target.value)} />
      </label>
      <div className="card-actions">
        <button type="submit" className="button button-primary" data-testid={`start-${kind}`}>
          {t(`kind.${kind}.action`)}
        </button>
        {kind === 'show' && (
          <button type="button" className="button button-quiet" disabled={!room.trim()} onClick={() => open('audience')}>
            {t('kind.show.watch')}
          </button>
        )}
      </div>
    </form>
  );
}
