import { Header } from '../app/Header';
import { useCredentials } from '../auth/CredentialsProvider';
import { InsecureNotice } from '../auth/InsecureNotice';
import { canSign } from '../auth/jwt';
import { SignInButton } from '../auth/SignInButton';
import { useT } from '../i18n/I18nProvider';
import { Notice } from '../ui/Notice';
import { useTitle } from '../ui/useTitle';
import { ChooseRoom } from './ChooseRoom';
import { Studio } from './Studio';
import '../styles/golive.css';

/** What an encoder needs to publish to a room, and how its stream arrives. */
export default function GoLivePage({ room }: { room?: string }) {
  const t = useT();
  useTitle(room ? `${room} · ${t('golive.title')}` : t('golive.title'));
  return (
    <>
      <Header><SignInButton /></Header>
      <main className="golive" data-testid="golive">
        <Content room={room} />
      </main>
    </>
  );
}

function Content({ room }: { room?: string }) {
  const t = useT();
  const { status, failure, keys, retry } = useCredentials();
  if (!canSign()) return <InsecureNotice />;
  if (status === 'loading') return <div className="golive-loading"><span className="spinner" /></div>;
  if (!keys && status === 'failed') {
    const again = <button type="button" className="button" onClick={retry}>{t('error.retry')}</button>;
    return (
      <Notice tone="error" title={t('error.config.title')} action={again}>
        {t('error.config.text', { detail: failure ?? '', origin: window.location.origin })}
      </Notice>
    );
  }
  if (!keys) {
    return (
      <Notice tone="info" icon="key" title={t('golive.signin')} action={<SignInButton primary />}>
        {t('golive.signin.text')}
      </Notice>
    );
  }
  return room ? <Studio room={room} keys={keys} /> : <ChooseRoom keys={keys} />;
}
