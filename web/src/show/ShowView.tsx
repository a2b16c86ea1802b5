import { useT } from '../i18n/I18nProvider';
import { HandButton } from '../room/HandButton';
import { byRank, onStage } from '../room/people';
import { RoomLayout } from '../room/RoomLayout';
import type { Session } from '../room/session';
import { usePeople } from '../room/usePeople';
import { useStageControl } from '../room/useStageControl';
import { Icon } from '../ui/Icon';
import { Promotion } from './Promotion';
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
