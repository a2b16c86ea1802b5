import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { useCredentials } from '../auth/CredentialsProvider';
import { canSign } from '../auth/jwt';
import { GuaranteeApi } from './api';
import {
  type Profile,
  readToken,
  storedProfile,
  storedToken,
  storeProfile,
  storeToken,
  type TokenFault,
  tokens,
} from './session';

export interface Session {
  /** Undefined until somebody said who they are. */
  me?: Profile;
  api?: GuaranteeApi;
  /** The console holds the key and signs: the role may be chosen. */
  signs: boolean;
  /** Why a token that was given is not used. */
  fault?: TokenFault;
  choose(profile: Profile): void;
  enter(token: string | undefined): void;
}

const Context = createContext<Session | null>(null);

export function useSession(): Session {
  const value = useContext(Context);
  if (!value) throw new Error('useSession outside SessionProvider');
  return value;
}

/** For the pages that are shown only to somebody who is signed in. */
export function useMe(): { me: Profile; api: GuaranteeApi } {
  const { me, api } = useSession();
  if (!me || !api) throw new Error('useMe without a session');
  return { me, api };
}

/** In development mode one begins as the operator, who sees most. */
const FIRST: Profile = { role: 'operator', name: '', contracts: [] };

export function SessionProvider({ children }: { children: ReactNode }) {
  const { keys } = useCredentials();
  const [token, setToken] = useState(storedToken);
  const [profile, setProfile] = useState(storedProfile);
  const value = useMemo<Session>(() => {
    const signs = Boolean(keys) && canSign();
    const actions = {
      signs,
      choose: (chosen: Profile) => {
        storeProfile(chosen);
        setProfile(chosen);
      },
      enter: (given: string | undefined) => {
        storeToken(given);
        setToken(given);
      },
    };
    if (token) {
      const read = readToken(token, Date.now() / 1000);
      if (typeof read === 'string') return { ...actions, fault: read };
      return { ...actions, me: read, api: new GuaranteeApi(() => Promise.resolve(token)) };
    }
    if (!keys || !signs) return actions;
    const me = profile ?? FIRST;
    return { ...actions, me, api: new GuaranteeApi(tokens(keys, me)) };
  }, [keys, token, profile]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}
