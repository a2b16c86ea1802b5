import { type FormEvent, useState } from 'react';
import { SignInButton } from '../auth/SignInButton';
import { useT } from '../i18n/I18nProvider';
import { useSession } from './SessionProvider';

/** With a token that one was given, or with the server's key, which lets one choose. */
export function SignIn() {
  const t = useT();
  const { enter, fault } = useSession();
  const [token, setToken] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter(token.trim());
  };
  return (
    <section className="g-signin" aria-labelledby="g-signin-title">
      <h1 id="g-signin-title">{t('g.signin.title')}</h1>
      <p className="lead">{t('g.signin.text')}</p>
      <form className="g-card form" onSubmit={submit}>
        <label className="field">
          <span>{t('g.signin.token')}</span>
          <textarea
            required
            rows={4}
            value={token}
            spellCheck={false}
            autoComplete="off"
            data-testid="g-token"
            aria-describedby="g-token-hint"
            onChange={(event) => setToken(event.target.value)}
          />
          <small id="g-token-hint">{t('g.signin.hint')}</small>
        </label>
        {fault && <p className="field-error" role="alert">{t(`g.signin.${fault}`)}</p>}
        <div className="form-actions">
          <SignInButton />
          <button type="submit" className="button button-primary" disabled={!token.trim()}>{t('signin.submit')}</button>
        </div>
      </form>
    </section>
  );
}
