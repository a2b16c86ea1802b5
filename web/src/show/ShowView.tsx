import { useCallback, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { HandButton } from '../room/HandButton';
import { byRank, onStage } from '../room/people';
import { RoomLayout } from '../room/RoomLayout';
import type { Session } from '../room/session';
import { usePeople } from '../room/usePeople';
import { usePublishing } from '../room/usePublishing';
import { usePromotion, useStageControl } from '../room/useStageControl';
import { Icon } from '../ui/Icon';
import { Notice } from '../ui/Notice';
import { useToast } from '../ui/toasts';
import { ReactionButtons, ReactionSky, useReactions } from './Reactions';
import { SidePanel } from './SidePanel';
import { Stage } from './Stage';
import { useChat } from './useChat';
import { Wishes } from './Wishes';

interface ViewProps {
  session: Session;
  onLeave(): void;
}

export function ShowView({ session, onLeave }: ViewProps) {
  const { me, all } = usePeople();
  const chat = useChat();
  const reactions = useReactions();
  const control = useStageControl(session);
  const performers = all.filter(onStage).sort(byRank);
  const viewers = all.filter((person) => !onStage(person));
  const mine = onStage(me);
  return (
    <RoomLayout
      session={session}
      onLeave={onLeave}
      controls={{
        camera: true,
        screen: true,
        extra: (
          <>
            {!mine && <HandButton />}
            <ReactionButtons onReact={reactions.react} />
          </>
        ),
      }}
      status={<ShowStatus live={performers.length > 0} viewers={viewers.length} />}
      side={<SidePanel performers={performers} viewers={viewers} chat={chat} control={control} />}
    >
      <Stage performers={performers} />
      <ReactionSky floating={reactions.floating} onLanded={reactions.landed} />
      <div className="stage-notes">
        <Wishes control={control} />
        <Promotion />
      </div>
    </RoomLayout>
  );
}

function ShowStatus({ live, viewers }: { live: boolean; viewers: number }) {
  const t = useT();
  return (
    <span className="show-status">
      {live && <span className="badge badge-on-air">{t('show.live')}</span>}
      <span className="audience-count" title={t('show.viewers')}>
        <Icon name="people" size={16} />
        <span data-testid="audience-count">{viewers}</span>
        <span className="label">{t('show.audience')}</span>
      </span>
    </span>
  );
}

/** Being invited must not turn on anybody's camera: that stays the guest's own click. */
function Promotion() {
  const t = useT();
  const toast = useToast();
  const [invited, setInvited] = useState(false);
  const { turnOn } = usePublishing();
  usePromotion(
    useCallback(
      (allowed: boolean) => {
        setInvited(allowed);
        if (!allowed) toast(t('show.offStage'));
      },
      [t, toast],
    ),
  );
  if (!invited) return null;
  const go = () => {
    setInvited(false);
    void turnOn(true, true);
  };
  return (
    <div data-testid="promotion">
      <Notice
        tone="info"
        icon="live"
        title={t('show.onStage')}
        action={
          <div className="button-row">
            <button type="button" className="button button-primary" data-testid="promotion-go" onClick={go}>
              {t('show.onStage.go')}
            </button>
            <button type="button" className="button" onClick={() => setInvited(false)}>{t('show.dismiss')}</button>
          </div>
        }
      >
        {t('show.onStage.text')}
      </Notice>
    </div>
  );
}
