import { useT } from '../../i18n/I18nProvider';
import { Notice } from '../../ui/Notice';
import type { GuaranteeError } from '../api';

export function Loading() {
  const t = useT();
  return (
    <div className="skeletons" role="status" aria-label={t('g.loading')}>
      <span className="skeleton" />
      <span className="skeleton" />
    </div>
  );
}

/** What the server said instead of an answer. */
export function Trouble({ error }: { error: GuaranteeError }) {
  const t = useT();
  const text =
    error.status === 0
      ? t('g.error.unreachable', { origin: window.location.origin })
      : error.message || t('g.error.http', { status: error.status });
  const title = error.status === 401 || error.status === 403 ? t('g.error.denied') : t('g.error.title');
  return <Notice tone="error" title={title}>{text}</Notice>;
}
