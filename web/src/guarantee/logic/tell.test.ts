import { describe, expect, it } from 'vitest';
import { translator } from '../../i18n/translate';
import type { TimelineEntry, Word } from '../api';
import { tell } from './tell';

const t = translator('en');
const entry = (change: string, facts: object, at = '12:00'): TimelineEntry =>
  ({ at, state: 'detected', severity: 'S2', change, facts: facts as Record<string, unknown>, leaf: null });
const said = (what: string, more: Partial<Word> = {}): Word =>
  ({ at: '12:00', by: { kind: 'agent', name: 'Jo' }, what, called: [], text: '', ...more });

describe('tell', () => {
  it('says in which role it was done, and by whom where that is known', () => {
    const acknowledged = entry('acknowledged', { by: 'agent' });
    expect(tell(t, acknowledged).title).toBe('Acknowledged · agent');
    expect(tell(t, acknowledged, [said('acknowledge')]).title).toBe('Acknowledged · Jo (agent)');
    expect(tell(t, entry('mitigated', { by: null })).title).toBe('Mitigated');
  });

  it('gives the words of the same instant and action as they are, and no others', () => {
    const words = [said('update', { at: '11:00', text: 'other' }), said('update', { text: '<b>wait</b>' })];
    expect(tell(t, entry('updated', { by: 'agent', sha256: 'ab' }), words).text).toBe('<b>wait</b>');
    expect(tell(t, entry('updated', { by: 'agent', sha256: 'ab' }, '13:00'), words).text).toBeUndefined();
  });

  it('names who was called, or their role', () => {
    const called = entry('called', { clock: 'restoration', share: '75%', role: 'account_manager' });
    expect(tell(t, called).text).toContain('account manager');
    expect(tell(t, called, [said('called', { by: null, called: ['Mara', 'Ben'] })]).text).toContain('Mara, Ben');
  });

  it('says from where a severity came', () => {
    expect(tell(t, entry('severity_rose', { from: 'S3' })).title).toBe('Severity rose: S3 → S2');
  });

  it('says why somebody was refused', () => {
    const refused = { by: 'agent', wanted: 'lower', why: { not_clear: { clear_minutes: 3, needed_minutes: 15 } } };
    expect(tell(t, entry('refused', refused))).toEqual({
      title: 'Refused · agent: Lower severity',
      text: 'It had measured clear for 3 of the 15 minutes that are needed.',
    });
  });

  it('keeps a change that it does not know', () => {
    expect(tell(t, entry('teleported', {})).title).toBe('teleported');
  });
});
