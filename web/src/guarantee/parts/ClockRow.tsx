import { useI18n } from '../../i18n/I18nProvider';
import type { Clock } from '../api';
import { countdown, readClock, span, when } from '../logic/time';
import { word } from './words';

interface ClockRowProps {
  clock: Clock;
  nowMs: number;
  /** To what it belongs, where that is not clear from the page. */
  of?: React.ReactNode;
}

/** One clock: what is left, ticking. Its words change only with its state, for who listens. */
export function ClockRow({ clock, nowMs, of }: ClockRowProps) {
  const { t, language } = useI18n();
  const { state, left, used } = readClock(clock, nowMs);
  const shown =
    state === 'paused' ? t('g.clock.paused')
    : state === 'kept' ? t('g.clock.kept')
    : state === 'missed' ? t('g.clock.missed')
    : left === undefined ? '–' : countdown(left, language);
  return (
    <div className={`g-clock g-clock-${state}`} data-testid="g-clock" data-kind={clock.kind} data-state={state}>
      <div className="g-clock-words">
        <strong>{word(t, 'clockKind', clock.kind)}</strong>
        {of && <small>{of}</small>}
      </div>
      <div className="g-clock-time">
        <span className="num" role="timer" aria-live="off">{shown}</span>
        <small>
          {state === 'late' && t('g.clock.late')}
          {(state === 'running' || state === 'late') && `${t('g.clock.due', { at: when(clock.due, nowMs, language) })}`}
          {state === 'missed' && left !== undefined && t('g.clock.by', { time: span(left, language) })}
          {state === 'paused' && t('g.clock.waits')}
        </small>
      </div>
      <span className="g-clock-bar" aria-hidden="true"><i style={{ width: `${used * 100}%` }} /></span>
    </div>
  );
}
