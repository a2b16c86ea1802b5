import { useT } from '../i18n/I18nProvider';

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/** An evening, a day, a week, a month, a year. */
const CHOICES_S = [6 * HOUR_S, 24 * HOUR_S, 7 * DAY_S, 30 * DAY_S, 365 * DAY_S];

export const USUAL_TTL_S = 24 * HOUR_S;

interface ExpirySelectProps {
  label: string;
  value: number;
  onChange(seconds: number): void;
}

export function ExpirySelect({ label, value, onChange }: ExpirySelectProps) {
  const t = useT();
  const name = (seconds: number) =>
    seconds <= DAY_S ? t('golive.expiry.hours', { n: seconds / HOUR_S }) : t('golive.expiry.days', { n: seconds / DAY_S });
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} data-testid="expiry" onChange={(e) => onChange(Number(e.target.value))}>
        {CHOICES_S.map((seconds) => <option key={seconds} value={seconds}>{name(seconds)}</option>)}
      </select>
    </label>
  );
}
