import { type FormEvent, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Sheet } from '../ui/Sheet';
import { useCredentials } from './CredentialsProvider';

export function SignInSheet({ onClose }: { onClose(): void }) {
  const t = useT();
  const { signIn } = useCredentials();
  const [apiKey, setKey] = useState('');
  const [apiSecret, setSecret] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn({ apiKey: apiKey.trim(), apiSecret: apiSecret.trim() });
    onClose();
  };
  return (
    <Sheet title={t('signin.title')} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <p className="muted">{t('signin.text')}</p>
        <label className="field">
          <span>{t('signin.key')}</span>
          <input required value={apiKey} autoComplete="off" spellCheck={false} onChange={(e) => setKey(e.target.value)} />
        </label>
        <label className="field">
          <span>{t('signin.secret')}</span>
          <input
            required
            type="password"
            value={apiSecret}
            autoComplete="off"
            onChange={(e) => setSecret(e.target.value)}
          />
        </label>
        <p className="hint">{t('signin.invited')}</p>
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>{t('signin.cancel')}</button>
          <button type="submit" className="button button-primary" disabled={!apiKey.trim() || !apiSecret.trim()}>
            {t('signin.submit')}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
