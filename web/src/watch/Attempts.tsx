import { useT } from '../i18n/I18nProvider';
import type { Translate } from '../i18n/translate';
import { type Attempt, PATIENCE_MS, type Why } from './picker';

/** Which doors were tried, and why they did not do. */
export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  const t = useT();
  return (
    <ul className="watch-attempts">
      {attempts.map(({ door, why }) => (
        <li key={door}><strong>{t(`watch.door.${door}`)}</strong> {reason(t, why)}</li>
      ))}
    </ul>
  );
}

function reason(t: Translate, why: Why): string {
  switch (why.kind) {
    case 'failed':
    case 'denied':
      return why.words;
    default:
      return t(`watch.why.${why.kind}`, { n: PATIENCE_MS / 1000 });
  }
}
