import { Header } from '../app/Header';
import { usePath } from '../app/navigation';
import { InsecureNotice } from '../auth/InsecureNotice';
import { useCredentials } from '../auth/CredentialsProvider';
import { useT } from '../i18n/I18nProvider';
import { Link } from '../ui/Link';
import { Notice } from '../ui/Notice';
import { useTitle } from '../ui/useTitle';
import { ContractList } from './ContractList';
import { ContractPage } from './ContractPage';
import { parsePlace, placePath } from './paths';
import { SessionProvider, useSession } from './SessionProvider';
import { SignIn } from './SignIn';
import { WhoAmI } from './WhoAmI';
import './styles/frame.css';
import './styles/overview.css';
import './styles/desk.css';

/** What is promised, what it came to, and what is done about it. */
export default function GuaranteePage() {
  return <SessionProvider><Frame /></SessionProvider>;
}

function Frame() {
  const t = useT();
  const { me } = useSession();
  useTitle(t('g.title'));
  return (
    <>
      <a className="skip-link" href="#main">{t('app.skip')}</a>
      <Header>
        <a className="button button-quiet g-status-link" href="/status">{t('g.status')}</a>
        {me && <WhoAmI />}
      </Header>
      <main id="main" className="g-main"><Content /></main>
    </>
  );
}

function Content() {
  const t = useT();
  const { status, failure, retry } = useCredentials();
  const { me } = useSession();
  const place = parsePlace(usePath());
  if (status === 'failed' && !me) {
    const again = <button type="button" className="button" onClick={retry}>{t('error.retry')}</button>;
    return (
      <Notice tone="error" title={t('error.config.title')} action={again}>
        {t('error.config.text', { detail: failure ?? '', origin: window.location.origin })}
      </Notice>
    );
  }
  if (status === 'loading' && !me) return <div className="page-loading"><span className="spinner" /></div>;
  if (!me) return <><InsecureNotice /><SignIn /></>;
  if (!place) return <Nowhere />;
  if (place.contract === undefined) return <ContractList />;
  return <ContractPage key={place.contract} contract={place.contract} tab={place.tab} item={place.item} />;
}

function Nowhere() {
  const t = useT();
  const back = <Link className="button button-primary" to={placePath()}>{t('g.contracts')}</Link>;
  return (
    <Notice tone="empty" title={t('error.missing.title')} action={back}>
      {t('g.missing', { path: window.location.pathname })}
    </Notice>
  );
}
