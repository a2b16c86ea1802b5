import { describe, expect, it } from 'vitest';
import { incident, line, publicStatus, ticket, timeline } from './wire';

describe('from the wire', () => {
  it('reads a line, and one of which nothing is known yet', () => {
    const period = { share: '99.95%', met: true };
    const read = line({ module: 'media', region: 'eu', target: '99.9%', critical: true, period, term: null, budget_left_s: -3, days: [{ day: '2026-11-01', share: null }] });
    expect(read).toMatchObject({ period: '99.95%', term: null, met: true, budget_left_s: -3, days: [{ share: null }] });
    expect(line({})).toMatchObject({ period: null, met: true, alert: null, minutes: [], days: [] });
  });

  it('reads incidents by their regions and clocks', () => {
    const read = incident({ id: 3, lines: [{ region: 'eu' }], clocks: [{ kind: 'restoration', due: null, paused: true }] });
    expect(read).toMatchObject({ id: 3, regions: ['eu'], resolved: null });
    expect(read.clocks[0]).toMatchObject({ due: null, paused: true, missed: false });
  });

  it('takes a change apart into its name and its facts', () => {
    const read = timeline({ entries: [{ at: 'x', change: { missed: { clock: 'restoration' } } }] });
    expect(read.entries[0]).toMatchObject({ change: 'missed', facts: { clock: 'restoration' }, leaf: null });
  });

  it('leaves texts as they are', () => {
    expect(ticket({ subject: '<b>' }).subject).toBe('<b>');
  });

  it('counts sessions in the last minute that the log knows', () => {
    const minutes = [{ state: 'good', up_ms: 600_000, down_ms: 60_000 }, { state: 'unknown', up_ms: 0, down_ms: 0 }];
    const status = publicStatus({ log: { size: 7 }, status: { lines: [{ module: 'media', region: 'eu', minutes }] } });
    expect(status.log.size).toBe(7);
    expect(status.sessions.get('media/eu')).toBe(11);
  });
});
