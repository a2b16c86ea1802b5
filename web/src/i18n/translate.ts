import { en, type TextKey } from './en';
import { zh } from './zh';

/** Choosing a language and filling in texts. Pure. */

export type Language = 'en' | 'zh';
export type TextParams = Record<string, string | number>;
export type Translate = (key: TextKey, params?: TextParams) => string;

const TEXTS: Record<Language, Record<TextKey, string>> = { en, zh };

export function pickLanguage(stored: string | null, preferred: readonly string[]): Language {
  if (stored === 'en' || stored === 'zh') return stored;
  const first = preferred.find((tag) => /^(en|zh)\b/i.test(tag));
  return first?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export function translator(language: Language): Translate {
  return (key, params) => fill(TEXTS[language][key], params);
}

function fill(text: string, params: TextParams = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}
