import type { Participant } from 'livekit-client';
import { useCallback, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { HandButton } from '../room/HandButton';
import { byRank, handRaised, onStage } from '../room/people';
import { PersonRow } from '../room/PersonRow';
import { RoomLayout } from '../room/RoomLayout';
import type { Session } from '../room/session';
import { usePeople } from '../room/usePeople';
import { usePublishing } from '../room/usePublishing';
import { usePromotion, useStageControl } from '../room/useStageControl';
import { Icon } from '../ui/Icon';
import { Notice } from '../ui/Notice';
import { useToast } from '../ui/toasts';
import { FreeSeat, Seat } from './Seat';

interface ViewProps {
  session: Session;
  onLeave(): void;
}

/** A table with at least eight seats; more people than that get more seats. */
const SEATS = 8;

export function VoiceView({ session, onLeave }: ViewProps) {
  const t = useT();
  const { all } = usePeople();
  const control = useStageControl(session);
  const seated = all.filter(onStage).sort(byRank);
  const listeners = all.filter((person) => !onStage(person));
  return (
    <RoomLayout
      session={session}
      onLeave={onLeave}
      theatre={false}
      controls={{ camera: false, screen: false, extra: <HandButton /> }}
      status={
        <span className="audience-count" title={t('voice.listeners')}>
          <Icon name="people" size={16} />
          <span data-testid="audience-count">{listeners.length}</span>
        </span>
      }
    >
      <div className="voice">
        <SeatNotice />
        <section aria-labelledby="seats-title">
          <h2 id="seats-title">{t('voice.seats')}</h2>
          <div className="seats">
            {seated.map((person) => (
              <Seat key={person.identity} person={person} control={control} />
            ))}
            {Array.from({ length: Math.max(0, SEATS - seated.length) }, (_, index) => <FreeSeat key={index} />)}
          </div>
        </section>
        <Listeners listeners={listeners} control={control} />
      </div>
    </RoomLayout>
  );
}

interface ListenersProps {
  listeners: Participant[];
  control: ReturnType<typeof useStageControl>;
}

function Listeners({ listeners, control }: ListenersProps) {
  const t = useT();
  const ordered = [...listeners].sort((a, b) => Number(handRaised(b)) - Number(handRaised(a)));
  return (
    <section aria-labelledby="listeners-title">
      <h2 id="listeners-title">{t('voice.listeners')}</h2>
      {ordered.length === 0 && <p className="hint">{t('voice.listeners.empty')}</p>}
      <div className="listener-grid">
        {ordered.map((person) => (
          <PersonRow key={person.identity} person={person}>
            {control.isAdmin && !person.isLocal && (
              <button
                type="button"
                className="button button-small button-tonal"
                data-testid="stage-invite"
                onClick={() => void control.change(person.identity, true)}
              >
                {t('voice.give')}
              </button>
            )}
          </PersonRow>
        ))}
      </div>
    </section>
  );
}

function SeatNotice() {
  const t = useT();
  const toast = useToast();
  const [seated, setSeated] = useState(false);
  const { turnOn } = usePublishing();
  usePromotion(
    useCallback(
      (allowed: boolean) => {
        setSeated(allowed);
        if (!allowed) toast(t('voice.offSeat'));
      },
      [t, toast],
    ),
  );
  if (!seated) return null;
  const go = () => {
    setSeated(false);
    void turnOn(true, false);
  };
  return (
    <Notice
      tone="info"
      icon="mic"
      title={t('voice.onSeat')}
      action={
        <button type="button" className="button button-primary" data-testid="promotion-go" onClick={go}>
          {t('voice.onSeat.go')}
        </button>
      }
    >
      {t('voice.onSeat.text')}
    </Notice>
  );
}
