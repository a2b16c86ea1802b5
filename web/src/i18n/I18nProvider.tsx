import { createContext, useContext, useEffect, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { type Language, pickLanguage, type Translate, translator } from './translate';

interface I18n {
  language: Language;
  t: Translate;
  toggle(): void;
}

const STORE = 'surecast.language';
const Context = createContext<I18n | null>(null);

export function useI18n(): I18n {
  const value = useContext(Context);
  if (!value) throw new Error('useI18n outside I18nProvider');
  return value;
}

export function useT(): Translate {
  return useI18n().t;
}

export function I18nProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(() =>
    pickLanguage(localStorage.getItem(STORE), navigator.languages ?? [navigator.language]),
  );
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  }, [language]);
  const value = useMemo<I18n>(
    () => ({
      language,
      t: translator(language),
      toggle: () => {
        const other = language === 'zh' ? 'en' : 'zh';
        localStorage.setItem(STORE, other);
        setLanguage(other);
      },
    }),
    [language],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}
