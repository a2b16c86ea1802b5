import { useEffect, useState } from 'react';
import { linkToken } from '../app/routes';
import { type ApiKeys, viewerToken } from '../auth/credentials';
import { useCredentials } from '../auth/CredentialsProvider';
import { randomSuffix } from '../auth/grants';
import { canSign } from '../auth/jwt';
import { useT } from '../i18n/I18nProvider';
import { useTitle } from '../ui/useTitle';
import { Screen } from './Screen';
import '../styles/watch.css';

/** Watching a room without joining it. Nobody needs to sign in who has a link with a token. */
export default function WatchPage({ room }: { room: string }) {
  const t = useT();
  useTitle(`${room} · ${t('home.rooms.watch')}`);
  const pass = usePass(room);
  if (!pass) return <div className="page-loading"><span className="spinner" /></div>;
  return <Screen key={pass.token} room={room} token={pass.token} byLink={pass.byLink} />;
}

interface Pass {
  /** None: the server decides whether that will do. */
  token?: string;
  byLink: boolean;
}

/** The link's token, else one signed with the keys that there are, else none. */
function usePass(room: string): Pass | undefined {
  const [fromLink] = useState(() => linkToken(window.location.search, window.location.hash));
  const { status, keys } = useCredentials();
  const [signed, setSigned] = useState<{ keys: ApiKeys; token: string }>();
  const needed = !fromLink && keys && canSign() ? keys : undefined;
  useEffect(() => {
    if (!needed) return;
    let stale = false;
    void viewerToken(needed, room, `viewer-${randomSuffix()}`, STAY_S).then((token) => {
      if (!stale) setSigned({ keys: needed, token });
    });
    return () => {
      stale = true;
    };
  }, [needed, room]);
  if (fromLink) return { token: fromLink, byLink: true };
  if (status === 'loading') return undefined;
  if (!needed) return { byLink: false };
  return signed?.keys === needed ? { token: signed.token, byLink: false } : undefined;
}

const STAY_S = 24 * 3600;
