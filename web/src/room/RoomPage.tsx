import { useState } from 'react';
import { Header } from '../app/Header';
import { DEFAULT_ROLE, parseRoomQuery, type RoomKind, type RoomQuery } from '../app/routes';
import { useCredentials } from '../auth/CredentialsProvider';
import { decodeToken } from '../auth/jwt';
import { roleOfToken, type TokenProblem, tokenProblem } from '../auth/grants';
import { CallView } from '../call/CallView';
import { useT } from '../i18n/I18nProvider';
import { PreJoin } from '../prejoin/PreJoin';
import { ShowView } from '../show/ShowView';
import { Link } from '../ui/Link';
import { Notice } from '../ui/Notice';
import { useTitle } from '../ui/useTitle';
import { VoiceView } from '../voice/VoiceView';
import { EndedPage } from './EndedPage';
import { RoomFrame } from './RoomFrame';
import type { Session } from './session';
import { useStay } from './useStay';

interface RoomPageProps {
  kind: RoomKind;
  roomName: string;
}

const VIEWS = { call: CallView, show: ShowView, voice: VoiceView };

/** From the link to the room: checks the link, then waits for the credentials. */
export default function RoomPage({ kind, roomName }: RoomPageProps) {
  const t = useT();
  useTitle(`${roomName} · ${t(`kind.${kind}`)}`);
  const [query] = useState(() => parseRoomQuery(kind, window.location.search, window.location.hash));
  const { status } = useCredentials();
  const claims = query.token ? decodeToken(query.token) : undefined;
  if (query.token) {
    const problem = tokenProblem(claims, roomName, Date.now() / 1000);
    if (problem) return <BadLink problem={problem} room={roomName} />;
  } else if (status === 'loading') {
    return <div className="page-loading"><span className="spinner" /></div>;
  }
  const fixedRole = claims ? roleOfToken(kind, claims) : query.role;
  return <Visit kind={kind} roomName={roomName} query={{ ...query, role: fixedRole }} />;
}

function BadLink({ problem, room }: { problem: TokenProblem; room: string }) {
  const t = useT();
  return (
    <>
      <Header />
      <main className="narrow">
        <Notice
          tone="error"
          title={t('error.token.title')}
          action={<Link to="/" className="button">{t('room.backHome')}</Link>}
        >
          {t(`error.token.${problem}`, { room })}
        </Notice>
      </main>
    </>
  );
}

function Visit({ kind, roomName, query }: RoomPageProps & { query: RoomQuery }) {
  const { stay, join, leave, again } = useStay(kind, roomName, query);
  switch (stay.phase) {
    case 'prejoin':
      return (
        <PreJoin
          kind={kind}
          roomName={roomName}
          query={query}
          initialRole={query.role ?? DEFAULT_ROLE[kind]}
          error={stay.error}
          onJoin={join}
        />
      );
    case 'inside':
      return <Inside session={stay.session} onLeave={leave} />;
    case 'ended':
      return <EndedPage ending={stay.ending} onRejoin={again} />;
  }
}

function Inside({ session, onLeave }: { session: Session; onLeave(): void }) {
  const View = VIEWS[session.request.kind];
  return (
    <RoomFrame session={session}>
      <View session={session} onLeave={onLeave} />
    </RoomFrame>
  );
}
