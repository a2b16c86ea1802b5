import { type FormEvent, useEffect, useState } from 'react';
import { useCredentials } from '../auth/CredentialsProvider';
import { useT } from '../i18n/I18nProvider';
import { Avatar } from '../ui/Avatar';
import { Sheet } from '../ui/Sheet';
import { GuaranteeApi } from './api';
import { type GuaranteeRole, ROLES } from './logic/roles';
import { tokens } from './session';
import { useMe, useSession } from './SessionProvider';

/** Who one is, in the header; whoever holds the key may be somebody else. */
export function WhoAmI() {
  const t = useT();
  const { me } = useMe();
  const { signs, enter } = useSession();
  const { signOut, fromServer } = useCredentials();
  const [open, setOpen] = useState(false);
  const leave = () => {
    enter(undefined);
    if (!fromServer) signOut();
  };
  return (
    <>
      <button type="button" className="g-who" data-testid="g-who" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Avatar name={me.name || t(`g.role.${me.role}`)} seed={me.role} />
        <span className="g-who-words">
          {me.name && <strong>{me.name}</strong>}
          <small>{t(`g.role.${me.role}`)}</small>
        </span>
      </button>
      {open && (
        <Sheet title={t('g.who.title')} onClose={() => setOpen(false)}>
          {signs ? <Chooser onDone={() => setOpen(false)} /> : <p>{t('g.who.token', { role: t(`g.role.${me.role}`) })}</p>}
          {!(signs && fromServer) && (
            <div className="form-actions">
              <button type="button" className="button" onClick={leave}>{t('signin.out')}</button>
            </div>
          )}
        </Sheet>
      )}
    </>
  );
}

function Chooser({ onDone }: { onDone(): void }) {
  const t = useT();
  const { me } = useMe();
  const { choose, enter } = useSession();
  const [role, setRole] = useState<GuaranteeRole>(me.role);
  const [name, setName] = useState(me.name);
  const [contracts, setContracts] = useState(me.contracts);
  const known = useKnownContracts();
  const toggle = (id: string) =>
    setContracts((all) => (all.includes(id) ? all.filter((each) => each !== id) : [...all, id]));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter(undefined);
    choose({ role, name: name.trim(), contracts });
    onDone();
  };
  return (
    <form className="form" onSubmit={submit}>
      <fieldset>
        <legend>{t('g.who.role')}</legend>
        <div className="g-roles">
          {ROLES.map((each) => (
            <label key={each} className="segment g-role">
              <input type="radio" name="g-role" value={each} checked={each === role} onChange={() => setRole(each)} />
              <span><strong>{t(`g.role.${each}`)}</strong><small>{t(`g.role.${each}.text`)}</small></span>
            </label>
          ))}
        </div>
      </fieldset>
      <label className="field">
        <span>{t('g.who.name')}</span>
        <input value={name} maxLength={60} data-testid="g-name" onChange={(event) => setName(event.target.value)} />
      </label>
      {role === 'customer' && (
        <fieldset>
          <legend>{t('g.who.contracts')}</legend>
          <div className="segments">
            {known.map((id) => (
              <label key={id} className="segment">
                <input type="checkbox" checked={contracts.includes(id)} onChange={() => toggle(id)} />
                <span>{id}</span>
              </label>
            ))}
          </div>
        </fieldset>
      )}
      <p className="hint">{t('g.who.hint')}</p>
      <div className="form-actions">
        <button type="submit" className="button button-primary" disabled={role === 'customer' && contracts.length === 0}>
          {t('g.who.submit')}
        </button>
      </div>
    </form>
  );
}

/** All contracts, as an auditor sees them: whoever holds the key may ask. */
function useKnownContracts(): string[] {
  const { keys } = useCredentials();
  const [known, setKnown] = useState<string[]>([]);
  useEffect(() => {
    if (!keys) return;
    let stale = false;
    const api = new GuaranteeApi(tokens(keys, { role: 'auditor', name: 'console', contracts: [] }));
    api.contracts().then(
      (all) => stale || setKnown(all.map((contract) => contract.id)),
      () => undefined,
    );
    return () => {
      stale = true;
    };
  }, [keys]);
  return known;
}
