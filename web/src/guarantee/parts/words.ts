import { en, type TextKey } from '../../i18n/en';
import type { Translate } from '../../i18n/translate';

/** Names from the log in the reader's language; one that is not known stays as it is. */
export function word(t: Translate, kind: string, name: string): string {
  const key = `g.${kind}.${name}`;
  return key in en ? t(key as TextKey) : name;
}
