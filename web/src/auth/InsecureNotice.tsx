import { useT } from '../i18n/I18nProvider';
import { Notice } from '../ui/Notice';
import { canSign } from './jwt';

/** Says why nothing works over plain http from another machine. */
export function InsecureNotice() {
  const t = useT();
  if (canSign()) return null;
  return (
    <Notice tone="warning" title={t('error.insecure.title')}>
      {t('error.insecure.text', { origin: window.location.origin })}
    </Notice>
  );
}
