import { useMemo } from 'react';
import { useI18n } from '../../i18n/I18nProvider';
import type { Line } from '../api';
import { regionsOf, type RegionView } from '../logic/regions';
import { useStatus } from '../parts/useStatus';
import { word } from '../parts/words';
import { placeOf } from './places';
import { COLUMNS, landPath, LINES, onMap } from './world';

const LAND = landPath();
const NOBODY: ReadonlyMap<string, number> = new Map();

interface Dot {
  view: RegionView;
  x: number;
  y: number;
  side: 'left' | 'right';
}

/** Where the contract's regions are and how they are; the same as a table below. */
export function RegionMap({ lines }: { lines: readonly Line[] }) {
  const { t } = useI18n();
  const sessions = useStatus().value?.sessions ?? NOBODY;
  const views = useMemo(() => regionsOf(lines, sessions), [lines, sessions]);
  const dots = useMemo(() => place(views), [views]);
  const beside = views.filter((view) => !placeOf(view.region));
  const most = Math.max(1, ...views.map((view) => view.sessions ?? 0));
  return (
    <section className="g-card g-map-card" aria-labelledby="g-map-title">
      <div className="g-card-head">
        <h2 id="g-map-title">{t('g.map')}</h2>
        <Legend />
      </div>
      {dots.length > 0 && (
        <div className="g-map" aria-hidden="true" data-testid="g-map">
          <svg viewBox={`0 0 ${COLUMNS} ${LINES}`}><path className="g-land" d={LAND} /></svg>
          {dots.map(({ view, x, y, side }) => (
            <span
              key={view.region}
              className={`g-dot g-dot-${view.state} g-dot-${side}`}
              style={{ left: `${x}%`, top: `${y}%`, '--size': `${size(view.sessions ?? 0, most)}px` } as React.CSSProperties}
              title={`${view.region}: ${word(t, 'minute', view.state)}`}
            >
              <i /><b>{view.region}</b>
            </span>
          ))}
        </div>
      )}
      {dots.length > 0 && beside.length > 0 && (
        <p className="g-beside">
          <span>{t('g.map.beside')}</span>
          {beside.map((view) => <span key={view.region} className={`g-chip g-chip-${view.state}`}>{view.region}</span>)}
        </p>
      )}
      <RegionTable views={views} />
    </section>
  );
}

/** By area, so that four times the people are twice as wide. */
function size(sessions: number, most: number): number {
  return Math.round(12 + 12 * Math.sqrt(sessions / most));
}

/** Labels stand to the right, but not over the edge or on the label of a neighbour. */
function place(views: readonly RegionView[]): Dot[] {
  const dots: Dot[] = [];
  for (const view of views) {
    const at = placeOf(view.region);
    if (!at) continue;
    const { x, y } = onMap(...at);
    const taken = dots.some((dot) => dot.side === 'right' && Math.abs(dot.y - y) < 9 && Math.abs(dot.x - x) < 16);
    dots.push({ view, x, y, side: x > 72 || taken ? 'left' : 'right' });
  }
  return dots;
}

function Legend() {
  const { t } = useI18n();
  return (
    <p className="g-legend" aria-hidden="true">
      {(['good', 'bad', 'no_data', 'idle'] as const).map((state) => (
        <span key={state}><i className={`g-fill-${state}`} />{word(t, 'minute', state)}</span>
      ))}
    </p>
  );
}

function RegionTable({ views }: { views: readonly RegionView[] }) {
  const { t } = useI18n();
  return (
    <div className="table-scroll">
      <table className="g-table">
        <caption className="sr-only">{t('g.map.table')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('g.region')}</th>
            <th scope="col">{t('g.now')}</th>
            <th scope="col" className="num">{t('g.sessions')}</th>
            <th scope="col">{t('g.modules')}</th>
          </tr>
        </thead>
        <tbody>
          {views.map((view) => (
            <tr key={view.region}>
              <th scope="row">{view.region}</th>
              <td><span className={`g-state g-state-${view.state}`}>{word(t, 'minute', view.state)}</span></td>
              <td className="num">{view.sessions ?? '–'}</td>
              <td>
                {view.troubled.length > 0
                  ? t('g.map.troubled', { modules: view.troubled.map((module) => word(t, 'module', module)).join(', ') })
                  : view.lines.map((line) => word(t, 'module', line.module)).join(', ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
