import { type FormEvent, useState } from 'react';
import { navigate } from '../app/navigation';
import { goLivePath } from '../app/routes';
import type { ApiKeys } from '../auth/credentials';
import { suggestRoomName } from '../home/roomNames';
import { useRooms } from '../home/useRooms';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { Link } from '../ui/Link';

/** A new name, or a room that is open already. */
export function ChooseRoom({ keys }: { keys: ApiKeys }) {
  const t = useT();
  const [room, setRoom] = useState(suggestRoomName);
  const { rooms = [] } = useRooms(keys);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    navigate(goLivePath(room.trim()));
  };
  return (
    <section className="golive-choose">
      <span className="card-icon"><Icon name="antenna" size={24} /></span>
      <h1>{t('golive.choose')}</h1>
      <p className="muted">{t('golive.choose.text')}</p>
      <form className="form" onSubmit={submit}>
        <label className="field">
          <span>{t('home.roomName')}</span>
          <input
            required
            maxLength={128}
            pattern=".*\S.*"
            value={room}
            data-testid="golive-room"
            onChange={(e) => setRoom(e.target.value)}
          />
        </label>
        <button type="submit" className="button button-primary button-large" data-testid="golive-next">
          {t('golive.choose.next')}
          <Icon name="arrow" size={18} />
        </button>
      </form>
      {rooms.length > 0 && (
        <>
          <h3>{t('golive.choose.open')}</h3>
          <ul className="golive-rooms">
            {rooms.map(({ name }) => (
              <li key={name}><Link className="button button-tonal" to={goLivePath(name)}>{name}</Link></li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
