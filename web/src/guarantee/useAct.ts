import { useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { useToast } from '../ui/toasts';
import { GuaranteeError } from './api';

export interface Act {
  busy: boolean;
  /** What the server said against the last attempt. */
  refused?: string;
  clear(): void;
  /** Resolves with whether it was done. */
  run(what: () => Promise<unknown>, done?: string): Promise<boolean>;
}

/** Does something at the server; a refusal stays on the page until the next attempt. */
export function useAct(after: () => void): Act {
  const t = useT();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string>();
  const run = async (what: () => Promise<unknown>, done?: string) => {
    setBusy(true);
    setRefused(undefined);
    try {
      await what();
      if (done) toast(done);
      return true;
    } catch (cause) {
      const silent = cause instanceof GuaranteeError && cause.status === 0;
      setRefused(silent ? t('g.error.unreachable', { origin: window.location.origin }) : (cause as Error).message);
      return false;
    } finally {
      setBusy(false);
      after();
    }
  };
  return { busy, refused, run, clear: () => setRefused(undefined) };
}
