import { useI18n } from '../../i18n/I18nProvider';
import type { Timeline, TimelineEntry } from '../api';
import { dateTime, span } from '../logic/time';
import { tell } from '../logic/tell';
import { LeafLink } from '../parts/LeafLink';

const DURATIONS = ['detect_s', 'acknowledge_s', 'mitigate_s', 'restore_s', 'resolve_s'] as const;

/** What happened, from the log alone. */
export function TimelineView({ timeline, size }: { timeline: Timeline; size: number }) {
  const { t, language } = useI18n();
  const known = DURATIONS.filter((each) => timeline[each] !== null);
  return (
    <section className="g-card" aria-labelledby="g-timeline-title">
      <h3 id="g-timeline-title">{t('g.timeline')}</h3>
      {known.length > 0 && (
        <dl className="g-durations">
          {known.map((each) => (
            <div key={each}><dt>{t(`g.${each}`)}</dt><dd className="num">{span(timeline[each] ?? 0, language)}</dd></div>
          ))}
        </dl>
      )}
      <ol className="g-timeline">
        {timeline.entries.map((entry, at) => <Entry key={`${entry.at}/${at}`} entry={entry} size={size} />)}
      </ol>
      {timeline.left_out > 0 && <p className="hint">{t('g.more', { n: timeline.left_out })}</p>}
      <p className="hint">{t('g.timeline.text')}</p>
    </section>
  );
}

const TONES: Record<string, string> = {
  detected: 'bad',
  joined: 'bad',
  severity_rose: 'bad',
  recurred: 'bad',
  missed: 'bad',
  refused: 'warn',
  called: 'warn',
  mitigated: 'good',
  resolved: 'good',
  reviewed: 'good',
  severity_fell: 'good',
};

function Entry({ entry, size }: { entry: TimelineEntry; size: number }) {
  const { t, language } = useI18n();
  const { title, text } = tell(t, entry);
  return (
    <li className={`g-entry g-entry-${TONES[entry.change] ?? 'calm'}`} data-change={entry.change}>
      <p className="g-entry-head">
        <strong>{title}</strong>
        <time dateTime={entry.at}>{dateTime(entry.at, language)}</time>
        {entry.leaf !== null && <LeafLink leaf={entry.leaf} size={size} />}
      </p>
      {text && <p className="g-entry-text">{text}</p>}
    </li>
  );
}
