import type { Language } from '../../i18n/translate';

/** Amounts come as decimal texts and stay such: only groups and a sign are added. Pure. */
export function money(amount: string, currency: string, language: Language): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount);
  if (!match) return `${amount} ${currency}`;
  const [, sign = '', whole = '0', decimals = ''] = match;
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const shown = `${sign === '-' ? '−' : ''}${grouped}.${decimals.padEnd(2, '0')}`;
  return language === 'zh' ? `${shown} ${currency}` : `${currency} ${shown}`;
}
