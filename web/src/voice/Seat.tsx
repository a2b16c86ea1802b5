import { useIsSpeaking } from '@livekit/components-react';
import type { Participant } from 'livekit-client';
import { useT } from '../i18n/I18nProvider';
import { handRaised, micOpen, nameOf, roleOf } from '../room/people';
import type { useStageControl } from '../room/useStageControl';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';

interface SeatProps {
  person: Participant;
  control: ReturnType<typeof useStageControl>;
}

export function Seat({ person, control }: SeatProps) {
  const t = useT();
  const speaking = useIsSpeaking(person);
  const open = micOpen(person);
  const name = nameOf(person);
  const role = roleOf(person);
  const removable = control.isAdmin && !person.isLocal && role !== 'host';
  return (
    <div
      className={`seat ${speaking && open ? 'seat-speaking' : ''}`}
      data-testid="seat"
      data-identity={person.identity}
      data-speaking={speaking && open}
      data-muted={!open}
    >
      <span className="seat-ring">
        <Avatar name={name} seed={person.identity} />
        {!open && <span className="seat-mic" title={t('room.noMic')}><Icon name="micOff" size={15} /></span>}
        {handRaised(person) && (
          <span className="seat-hand" role="img" aria-label={t('voice.handRaised', { name })}>✋</span>
        )}
      </span>
      <strong>{person.isLocal ? t('room.youNamed', { name }) : name}</strong>
      <small>{speaking && open ? t('voice.speaking') : role ? t(`role.${role}`) : ' '}</small>
      {removable && (
        <button
          type="button"
          className="button button-small button-quiet"
          data-testid="stage-remove"
          onClick={() => void control.change(person.identity, false)}
        >
          {t('voice.take')}
        </button>
      )}
    </div>
  );
}

export function FreeSeat() {
  const t = useT();
  return (
    <div className="seat seat-free">
      <span className="seat-ring"><span className="avatar"><Icon name="plus" /></span></span>
      <strong>{t('voice.seat.free')}</strong>
    </div>
  );
}
