import { createContext, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { type ApiKeys, type ConsoleConfig, fetchConfig, storedKeys, storeKeys } from './credentials';

export interface Credentials {
  status: 'loading' | 'ready' | 'failed';
  /** What went wrong with the configuration, for people who operate the server. */
  failure?: string;
  config?: ConsoleConfig;
  keys?: ApiKeys;
  /** true when the keys came from the server's development mode, not from a sign-in. */
  fromServer: boolean;
  retry(): void;
  signIn(keys: ApiKeys): void;
  signOut(): void;
}

const Context = createContext<Credentials | null>(null);

export function useCredentials(): Credentials {
  const value = useContext(Context);
  if (!value) throw new Error('useCredentials outside CredentialsProvider');
  return value;
}

type Loaded = Pick<Credentials, 'status' | 'config' | 'failure'>;

function useConfig(): Loaded & { retry(): void } {
  const [attempt, setAttempt] = useState(0);
  const [loaded, setLoaded] = useState<Loaded>({ status: 'loading' });
  useEffect(() => {
    let stale = false;
    fetchConfig().then(
      (config) => stale || setLoaded({ status: 'ready', config }),
      (error: Error) => stale || setLoaded({ status: 'failed', failure: error.message }),
    );
    return () => {
      stale = true;
    };
  }, [attempt]);
  const retry = useCallback(() => {
    setLoaded({ status: 'loading' });
    setAttempt((n) => n + 1);
  }, []);
  return { ...loaded, retry };
}

export function CredentialsProvider({ children }: { children: ReactNode }) {
  const { status, config, failure, retry } = useConfig();
  const [typed, setTyped] = useState<ApiKeys | undefined>(storedKeys);
  const signIn = useCallback((keys: ApiKeys) => {
    storeKeys(keys);
    setTyped(keys);
  }, []);
  const signOut = useCallback(() => {
    storeKeys(undefined);
    setTyped(undefined);
  }, []);
  const value = useMemo<Credentials>(() => {
    const { apiKey, apiSecret } = config ?? {};
    const given = config?.dev && apiKey && apiSecret ? { apiKey, apiSecret } : undefined;
    const keys = typed ?? given;
    return { status, config, failure, keys, fromServer: keys === given, retry, signIn, signOut };
  }, [status, config, failure, typed, retry, signIn, signOut]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}
