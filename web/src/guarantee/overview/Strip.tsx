import { useI18n } from '../../i18n/I18nProvider';
import type { Day, Minute, MinuteState } from '../api';
import { percentText, reaches } from '../logic/nines';
import { countStates } from '../logic/regions';
import { clockTime, day } from '../logic/time';
import { word } from '../parts/words';

interface Cell {
  key: string;
  state: MinuteState;
  title: string;
}

/** What is bad stands out by its height, too, for who cannot tell the colours apart. */
const HIGH = { y: 0, height: 30 };
const LOW = { y: 8, height: 22 };
const SHAPES: Record<MinuteState, typeof HIGH> = { bad: HIGH, no_data: HIGH, good: LOW, idle: LOW, unknown: LOW };

interface StripProps {
  label: string;
  from: string;
  to: string;
  cells: Cell[];
}

/** One bar for each, oldest first; told in words for who cannot see it. */
function Strip({ label, from, to, cells }: StripProps) {
  const { t } = useI18n();
  const told = countStates(cells).map(([state, count]) => `${count} ${word(t, 'minute', state)}`);
  return (
    <figure className="g-strip">
      <figcaption><span>{label}</span></figcaption>
      <svg
        viewBox={`0 0 ${cells.length * 10} 30`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${told.join(', ') || t('g.noData')}`}
      >
        {cells.map((cell, at) => (
          <rect key={cell.key} x={at * 10 + 1} {...SHAPES[cell.state]} width="8" rx="2" className={`g-fill-${cell.state}`}>
            <title>{cell.title}</title>
          </rect>
        ))}
      </svg>
      <p className="g-axis" aria-hidden="true"><span>{from}</span><span>{to}</span></p>
    </figure>
  );
}

export function HourStrip({ minutes }: { minutes: readonly Minute[] }) {
  const { t, language } = useI18n();
  const first = minutes[0];
  const last = minutes.at(-1);
  const cells = minutes.map(({ minute, state }) => ({
    key: minute,
    state,
    title: `${clockTime(minute, language)} ${word(t, 'minute', state)}`,
  }));
  if (!first || !last) return null;
  return (
    <Strip
      label={t('g.hour')}
      from={clockTime(first.minute, language)}
      to={clockTime(last.minute, language)}
      cells={cells}
    />
  );
}

export function MonthStrip({ days, target }: { days: readonly Day[]; target: string }) {
  const { t, language } = useI18n();
  const first = days[0];
  const last = days.at(-1);
  if (!first || !last) return null;
  const cells = days.map(({ day: date, share }) => ({
    key: date,
    state: share === null ? ('unknown' as const) : reaches(share, target) ? ('good' as const) : ('bad' as const),
    title: `${day(date, language)}: ${percentText(share)}`,
  }));
  return <Strip label={t('g.days')} from={day(first.day, language)} to={day(last.day, language)} cells={cells} />;
}
