import type { Participant } from 'livekit-client';
import type { ReactNode } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Avatar } from '../ui/Avatar';
import { handRaised, nameOf, roleOf } from './people';

export function PersonRow({ person, children }: { person: Participant; children?: ReactNode }) {
  const t = useT();
  const name = nameOf(person);
  const role = roleOf(person);
  return (
    <div className="person" data-testid="person" data-identity={person.identity}>
      <Avatar name={name} seed={person.identity} />
      <span className="person-name">
        <strong>{person.isLocal ? t('room.youNamed', { name }) : name}</strong>
        {role && <small>{t(`role.${role}`)}</small>}
      </span>
      {handRaised(person) && (
        <span className="person-hand" role="img" aria-label={t('voice.handRaised', { name })}>✋</span>
      )}
      {children}
    </div>
  );
}
