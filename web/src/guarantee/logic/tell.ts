import type { Translate } from '../../i18n/translate';
import type { TimelineEntry } from '../api';
import { word } from '../parts/words';

/** A change of an incident in words: what, by whom, and the words that were written. Pure. */
export function tell(t: Translate, { change, facts, severity }: TimelineEntry): { title: string; text?: string } {
  const by = person(t, facts.by);
  const who = by ? ` · ${by}` : '';
  const clock = word(t, 'clockKind', String(facts.clock ?? ''));
  const title = `${word(t, 'change', change)}${who}`;
  switch (change) {
    case 'severity_rose':
    case 'severity_fell':
      return { title: `${word(t, 'change', change)}: ${String(facts.from)} → ${severity}${who}` };
    case 'updated':
    case 'reviewed':
      return { title, text: String(facts.text ?? '') };
    case 'joined':
      return { title: `${word(t, 'change', change)}: ${String(facts.region)}` };
    case 'called':
      return { title, text: t('g.told.called', { clock, names: names(facts.names), share: String(facts.share) }) };
    case 'missed':
      return { title: `${word(t, 'change', change)}: ${clock}` };
    case 'refused':
      return { title: `${title}: ${word(t, 'act', String(facts.wanted ?? ''))}`, text: why(t, facts.why) };
    default:
      return { title };
  }
}

function person(t: Translate, by: unknown): string {
  if (typeof by === 'string') return word(t, 'author', by);
  if (typeof by !== 'object' || by === null) return '';
  const { kind, name } = by as { kind?: string; name?: string };
  const part = word(t, 'author', kind ?? '');
  return name ? `${name} (${part})` : part;
}

const names = (value: unknown) => (Array.isArray(value) ? value.map(String).join(', ') : '');

/** Why somebody was refused, as the log says it: `{"not_clear": {…}}`. */
function why(t: Translate, value: unknown): string {
  const [name, facts] = Object.entries((value ?? {}) as Record<string, Record<string, unknown>>)[0] ?? [];
  if (!name) return typeof value === 'string' ? value : '';
  switch (name) {
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
