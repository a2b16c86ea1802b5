import type { Translate } from '../../i18n/translate';
import type { TimelineEntry, Word } from '../api';
import { word } from '../parts/words';

/**
 * A change of an incident in words. The log has roles and hashes of texts; the names and
 * the texts themselves stand with the incident, and are put beside their entries. Pure.
 */
export function tell(t: Translate, entry: TimelineEntry, words: readonly Word[] = []): { title: string; text?: string } {
  const { change, facts, severity } = entry;
  const said = words.find((each) => each.at === entry.at && each.what === ACTIONS[change]);
  const by = person(t, facts.by, said?.by?.name);
  const who = by ? ` · ${by}` : '';
  const clock = word(t, 'clockKind', String(facts.clock ?? ''));
  const name = word(t, 'change', change);
  switch (change) {
    case 'severity_rose':
    case 'severity_fell':
      return { title: `${name}: ${String(facts.from)} → ${severity}${who}` };
    case 'joined':
      return { title: `${name}: ${String(facts.region)}` };
    case 'called': {
      const names = said?.called.join(', ') || word(t, 'author', String(facts.role ?? ''));
      return { title: name, text: t('g.told.called', { clock, names, share: String(facts.share) }) };
    }
    case 'missed':
      return { title: `${name}: ${clock}` };
    case 'refused':
      return { title: `${name}${who}: ${word(t, 'act', String(facts.wanted ?? ''))}`, text: why(t, facts.why) };
    default:
      return { title: `${name}${who}`, text: said?.text || undefined };
  }
}

/** What people do, by the change that it leads to. */
const ACTIONS: Record<string, string> = {
  acknowledged: 'acknowledge',
  updated: 'update',
  mitigated: 'mitigate',
  resolved: 'resolve',
  severity_fell: 'lower',
  reviewed: 'review',
  called: 'called',
};

/** "Jo (agent)", or the role alone. */
function person(t: Translate, role: unknown, name: string | undefined): string {
  if (typeof role !== 'string') return '';
  const part = word(t, 'author', role);
  return name ? `${name} (${part})` : part;
}

/** Why somebody was refused, as the log says it: `{"not_clear": {…}}`. */
function why(t: Translate, value: unknown): string {
  const [name, facts] = Object.entries((value ?? {}) as Record<string, Record<string, unknown>>)[0] ?? [];
  switch (name) {
    case undefined:
      return '';
    case 'not_yours':
      return t('g.why.not_yours', { instead: String(facts?.instead ?? '') });
    case 'not_clear':
      return t('g.why.not_clear', { n: String(facts?.clear_minutes), needed: String(facts?.needed_minutes) });
    case 'by_evidence':
      return t('g.why.by_evidence', { is: String(facts?.is) });
    case 'state':
      return t('g.why.state', { state: word(t, 'incident', String(facts?.state)) });
    default:
      return name.replaceAll('_', ' ');
  }
}
