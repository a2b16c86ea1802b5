import { Track } from 'livekit-client';
import { useState } from 'react';
import { InviteSheet } from '../auth/InviteSheet';
import { useT } from '../i18n/I18nProvider';
import { nameOf } from '../room/people';
import { RoomLayout } from '../room/RoomLayout';
import type { Session } from '../room/session';
import { Tile, visiblePublication } from '../room/Tile';
import { usePeople } from '../room/usePeople';
import { Icon } from '../ui/Icon';

interface ViewProps {
  session: Session;
  onLeave(): void;
}

/** Two people: the other one large, oneself small in the corner. */
export function CallView({ session, onLeave }: ViewProps) {
  const { me, others } = usePeople();
  const sharing = others.find((person) => visiblePublication(person, Track.Source.ScreenShare));
  const partner = sharing ?? others[0];
  return (
    <RoomLayout
      session={session}
      onLeave={onLeave}
      controls={{ camera: true, screen: true, leaveIcon: 'hangup' }}
    >
      <div className="call">
        {partner ? (
          <Tile
            participant={partner}
            source={sharing ? Track.Source.ScreenShare : Track.Source.Camera}
            className="call-main"
          >
            {!sharing && <CameraOffNote name={nameOf(partner)} off={!visiblePublication(partner, Track.Source.Camera)} />}
          </Tile>
        ) : (
          <Waiting session={session} />
        )}
        <div className="call-strip">
          {sharing && <Tile participant={sharing} className="call-pip" plain />}
          {others.filter((person) => person !== partner).map((person) => (
            <Tile key={person.identity} participant={person} className="call-pip" plain />
          ))}
          <Tile participant={me} className="call-pip" plain />
        </div>
      </div>
    </RoomLayout>
  );
}

function CameraOffNote({ name, off }: { name: string; off: boolean }) {
  const t = useT();
  return off ? <p className="tile-note">{t('call.remoteCameraOff', { name })}</p> : null;
}

function Waiting({ session }: { session: Session }) {
  const t = useT();
  const [invite, setInvite] = useState(false);
  return (
    <div className="stage-empty" data-testid="call-waiting">
      <span className="pulse"><Icon name="people" size={34} /></span>
      <h2>{t('call.waiting')}</h2>
      <p>{t('call.waiting.text')}</p>
      <button type="button" className="button button-primary" onClick={() => setInvite(true)}>
        <Icon name="link" size={18} />
        {t('control.invite')}
      </button>
      {invite && <InviteSheet kind="call" room={session.request.roomName} onClose={() => setInvite(false)} />}
    </div>
  );
}
