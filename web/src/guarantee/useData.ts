import { useCallback, useEffect, useRef, useState } from 'react';
import { GuaranteeError } from './api';

export interface Data<T> {
  value?: T;
  error?: GuaranteeError;
  /** Asks again at once, after something was done. */
  reload(): void;
}

/**
 * Loads, and loads again every `everyMs` while the page is visible. The last value stays on
 * errors. `key` names what is loaded: with another key the old value goes.
 */
export function useData<T>(key: string, load: () => Promise<T>, everyMs: number): Data<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: GuaranteeError }>({ key });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      if (!document.hidden) {
        try {
          const value = await latest.current();
          if (!stopped) setState({ key, value });
        } catch (cause) {
          const error = cause instanceof GuaranteeError ? cause : new GuaranteeError(-1, String(cause));
          if (!stopped) setState((last) => ({ ...(last.key === key ? last : {}), key, error }));
        }
      }
      if (!stopped) timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [key, everyMs, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  return state.key === key ? { value: state.value, error: state.error, reload } : { reload };
}

/** The server's time, each second. */
export function useNow(aheadMs = 0): number {
  const [now, setNow] = useState(() => Date.now() + aheadMs);
  useEffect(() => {
    setNow(Date.now() + aheadMs);
    const timer = setInterval(() => setNow(Date.now() + aheadMs), 1000);
    return () => clearInterval(timer);
  }, [aheadMs]);
  return now;
}
