import { useState } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { type Incident, SEVERITIES, type Severity } from '../api';
import { type IncidentAction, incidentActions, mayLower } from '../logic/roles';
import { Refusal } from '../parts/Form';
import { useMe } from '../SessionProvider';
import { useAct } from '../useAct';

interface ActionsProps {
  contract: string;
  incident: Incident;
  after(): void;
}

/** Longest text, in bytes, as the engine has it. */
const MAX_TEXT = 8 * 1024;

/** What one may do about it, by role and state. */
export function IncidentActions({ contract, incident, after }: ActionsProps) {
  const t = useT();
  const { me, api } = useMe();
  const act = useAct(after);
  const [open, setOpen] = useState<IncidentAction>();
  const actions = incidentActions(me.role, incident);
  if (actions.length === 0) return null;
  const send = async (action: string | object, name: IncidentAction) => {
    const done = await act.run(() => api.actOnIncident(contract, incident.id, action), t(`g.done.${name}`));
    if (done) setOpen(undefined);
  };
  const choose = (name: IncidentAction) => {
    act.clear();
    if (name === 'update' || name === 'review' || name === 'lower') setOpen(open === name ? undefined : name);
    else void send(name, name);
  };
  return (
    <section className="g-card g-actions" aria-label={t('g.actions')}>
      <div className="button-row">
        {actions.map((name, at) => (
          <button
            key={name}
            type="button"
            className={`button ${at === 0 && name !== 'lower' ? 'button-primary' : ''}`}
            disabled={act.busy}
            aria-expanded={name === 'update' || name === 'review' || name === 'lower' ? open === name : undefined}
            data-testid={`g-act-${name}`}
            onClick={() => choose(name)}
          >
            {name === 'lower' && me.role === 'customer' ? t('g.agree') : t(`g.act.${name}`)}
          </button>
        ))}
      </div>
      {(open === 'update' || open === 'review') && (
        <TextForm key={open} name={open} busy={act.busy} send={(text) => void send({ [open]: { text } }, open)} />
      )}
      {open === 'lower' && (
        <LowerForm severity={incident.severity} may={mayLower(me.role)} busy={act.busy} send={(to) => void send({ lower: { to } }, 'lower')} />
      )}
      <Refusal text={act.refused} />
    </section>
  );
}

function TextForm({ name, busy, send }: { name: 'update' | 'review'; busy: boolean; send(text: string): void }) {
  const t = useT();
  const [text, setText] = useState('');
  return (
    <form className="form g-inline" onSubmit={(event) => { event.preventDefault(); send(text); }}>
      <label className="field g-prose">
        <span>{t(`g.act.${name}.label`)}</span>
        <textarea required rows={4} maxLength={MAX_TEXT} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <div className="form-actions">
        <button type="submit" className="button button-primary" disabled={busy || !text.trim()}>{t('g.send')}</button>
      </div>
    </form>
  );
}

interface LowerProps {
  severity: Severity;
  may: boolean;
  busy: boolean;
  send(to: Severity): void;
}

function LowerForm({ severity, may, busy, send }: LowerProps) {
  const t = useT();
  const lower = SEVERITIES.slice(SEVERITIES.indexOf(severity) + 1);
  const [to, setTo] = useState<Severity>(lower[0] ?? 'S4');
  return (
    <form className="form g-inline" onSubmit={(event) => { event.preventDefault(); send(to); }}>
      <fieldset>
        <legend>{t('g.act.lower.label')}</legend>
        <div className="segments">
          {lower.map((each) => (
            <label key={each} className="segment">
              <input type="radio" name="g-lower" checked={each === to} onChange={() => setTo(each)} />
              <span>{each}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <p className="hint">{t(may ? 'g.act.lower.may' : 'g.act.lower.mayNot')}</p>
      <div className="form-actions">
        <button type="submit" className="button button-primary" disabled={busy} data-testid="g-lower-send">{t('g.act.lower')}</button>
      </div>
    </form>
  );
}
