import { useT } from '../../i18n/I18nProvider';
import { en, type TextKey } from '../../i18n/en';
import type { Alert, Severity } from '../api';

const TONES: Record<string, string> = {
  active: 'good',
  kept: 'good',
  resolved: 'good',
  reviewed: 'good',
  final: 'good',
  credited: 'good',
  closed: 'calm',
  mitigated: 'info',
  acknowledged: 'info',
  open: 'info',
  signed: 'info',
  renewing: 'info',
  recomputed: 'info',
  provisional: 'warn',
  waiting_customer: 'warn',
  cure: 'warn',
  grace: 'warn',
  new: 'warn',
  detected: 'bad',
  degraded: 'bad',
  disputed: 'bad',
};

interface StateBadgeProps {
  kind: 'contract' | 'incident' | 'ticket' | 'settlement';
  state: string;
}

/** A state in words; one that this console does not know yet is shown as it is. */
export function StateBadge({ kind, state }: StateBadgeProps) {
  const t = useT();
  const key = `g.${kind}.${state}`;
  return <span className={`g-badge g-badge-${TONES[state] ?? 'calm'}`} data-state={state}>{key in en ? t(key as TextKey) : state}</span>;
}

export function SeverityBadge({ severity }: { severity: Severity }) {
  const t = useT();
  return (
    <span className={`g-severity g-severity-${severity}`} data-testid="g-severity">
      <span className="sr-only">{t('g.severity')} </span>{severity}
    </span>
  );
}

export function AlertBadge({ alert }: { alert: Alert }) {
  const t = useT();
  return <span className={`g-badge g-badge-${alert === 'page' ? 'bad' : 'warn'} g-burn`}>{t(`g.alert.${alert}`)}</span>;
}
