import { describe, expect, it } from 'vitest';
import { translator } from '../../i18n/translate';
import type { TimelineEntry } from '../api';
import { tell } from './tell';

const t = translator('en');
const entry = (change: string, facts: object): TimelineEntry =>
  ({ at: '', state: 'detected', severity: 'S2', change, facts: facts as Record<string, unknown>, leaf: null });
const agent = { kind: 'agent', name: 'Jo' };

describe('tell', () => {
  it('says who did it', () => {
    expect(tell(t, entry('acknowledged', { by: agent }))).toEqual({ title: 'Acknowledged · Jo (agent)' });
    expect(tell(t, entry('mitigated', { by: null })).title).toBe('Mitigated');
  });

  it('gives the words of an update as they are', () => {
    expect(tell(t, entry('updated', { by: agent, text: '<b>wait</b>' })).text).toBe('<b>wait</b>');
  });

  it('says from where a severity came', () => {
    expect(tell(t, entry('severity_rose', { from: 'S3' })).title).toBe('Severity rose: S3 → S2');
  });

  it('says why somebody was refused', () => {
    const refused = { by: agent, wanted: 'lower', why: { not_clear: { clear_minutes: 3, needed_minutes: 15 } } };
    expect(tell(t, entry('refused', refused))).toEqual({
      title: 'Refused · Jo (agent): Lower severity',
      text: 'It had measured clear for 3 of the 15 minutes that are needed.',
    });
  });

  it('keeps a change that it does not know', () => {
    expect(tell(t, entry('teleported', {})).title).toBe('teleported');
  });
});
