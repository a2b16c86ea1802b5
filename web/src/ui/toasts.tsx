import { createContext, useCallback, useContext, useMemo, useRef, useState } from 'react';
import type { ReactNode } from 'react';

/** Short messages about something that just happened. */

interface Toast {
  id: number;
  text: string;
  tone: 'info' | 'error';
}

type Show = (text: string, tone?: Toast['tone']) => void;

const INFO_MS = 5000;
const ERROR_MS = 10_000;
const Context = createContext<Show>(() => undefined);

export const useToast = () => useContext(Context);

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const nextId = useRef(1);
  const show = useCallback<Show>((text, tone = 'info') => {
    const id = nextId.current++;
    setToasts((all) => [...all.filter((toast) => toast.text !== text), { id, text, tone }].slice(-3));
    setTimeout(
      () => setToasts((all) => all.filter((toast) => toast.id !== id)),
      tone === 'error' ? ERROR_MS : INFO_MS,
    );
  }, []);
  const list = useMemo(
    () => (
      <div className="toasts" aria-live="polite">
        {toasts.map((toast) => (
          <p key={toast.id} className={`toast toast-${toast.tone}`}>{toast.text}</p>
        ))}
      </div>
    ),
    [toasts],
  );
  return <Context.Provider value={show}>{children}{list}</Context.Provider>;
}
