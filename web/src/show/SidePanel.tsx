import type { Participant } from 'livekit-client';
import { useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { PersonRow } from '../room/PersonRow';
import { handRaised, onStage, roleOf } from '../room/people';
import { usePeople } from '../room/usePeople';
import type { useStageControl } from '../room/useStageControl';
import { ChatPanel } from './ChatPanel';
import type { useChat } from './useChat';

interface SidePanelProps {
  performers: Participant[];
  viewers: Participant[];
  chat: ReturnType<typeof useChat>;
  control: ReturnType<typeof useStageControl>;
}

export function SidePanel({ performers, viewers, chat, control }: SidePanelProps) {
  const t = useT();
  const [tab, setTab] = useState<'chat' | 'people'>('chat');
  const hands = viewers.filter(handRaised).length;
  return (
    <aside className="side">
      <div className="tabs" role="tablist">
        {(['chat', 'people'] as const).map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            className="tab"
            data-testid={`tab-${each}`}
            aria-selected={tab === each}
            onClick={() => setTab(each)}
          >
            {t(`control.${each}`)}
            {each === 'people' && hands > 0 && <span className="tab-count">✋ {hands}</span>}
          </button>
        ))}
      </div>
      {tab === 'chat' ? (
        <ChatPanel lines={chat.lines} onSend={chat.send} />
      ) : (
        <PeopleList performers={performers} viewers={viewers} control={control} />
      )}
    </aside>
  );
}

/** Raised hands first: that is what a host looks for. */
const handsFirst = (a: Participant, b: Participant) => Number(handRaised(b)) - Number(handRaised(a));

function PeopleList({ performers, viewers, control }: Omit<SidePanelProps, 'chat'>) {
  const t = useT();
  return (
    <div className="people">
      <h3>{t('show.stage')}</h3>
      {performers.map((person) => (
        <PersonRow key={person.identity} person={person}>
          {control.isAdmin && !person.isLocal && roleOf(person) !== 'host' && (
            <button
              type="button"
              className="button button-small"
              data-testid="stage-remove"
              onClick={() => void control.change(person.identity, false)}
            >
              {t('show.remove')}
            </button>
          )}
        </PersonRow>
      ))}
      {performers.length === 0 && <p className="hint">{t('show.backstage')}</p>}
      <h3>{t('show.viewers')}</h3>
      {[...viewers].sort(handsFirst).map((person) => (
        <PersonRow key={person.identity} person={person}>
          <InviteButton person={person} control={control} />
        </PersonRow>
      ))}
      {viewers.length === 0 && <p className="hint">{t('show.viewers.empty')}</p>}
    </div>
  );
}

function InviteButton({ person, control }: { person: Participant; control: SidePanelProps['control'] }) {
  const t = useT();
  const { me } = usePeople();
  if (!onStage(me) || person.isLocal) return null;
  const act = () => void (control.isAdmin ? control.change(person.identity, true) : control.ask(person));
  return (
    <button type="button" className="button button-small button-tonal" data-testid="stage-invite" onClick={act}>
      {t(control.isAdmin ? 'show.invite' : 'show.askHost')}
    </button>
  );
}
