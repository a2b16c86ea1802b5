import { useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { useCredentials } from './CredentialsProvider';
import { SignInSheet } from './SignInSheet';

/** Signs in, or out again; nothing in development mode, where the server gives the keys. */
export function SignInButton({ primary = false }: { primary?: boolean }) {
  const t = useT();
  const { status, keys, fromServer, signOut } = useCredentials();
  const [open, setOpen] = useState(false);
  if (status === 'loading' || (keys && fromServer)) return null;
  if (keys) {
    return <button type="button" className="button button-quiet" onClick={signOut}>{t('signin.out')}</button>;
  }
  return (
    <>
      <button type="button" className={`button ${primary ? 'button-primary' : ''}`} onClick={() => setOpen(true)}>
        <Icon name="key" size={18} />
        {t('signin.open')}
      </button>
      {open && <SignInSheet onClose={() => setOpen(false)} />}
    </>
  );
}
