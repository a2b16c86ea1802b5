import { Header } from '../app/Header';
import { InsecureNotice } from '../auth/InsecureNotice';
import { SignInButton } from '../auth/SignInButton';
import { useCredentials } from '../auth/CredentialsProvider';
import { useT } from '../i18n/I18nProvider';
import { Link } from '../ui/Link';
import { Notice } from '../ui/Notice';
import { useTitle } from '../ui/useTitle';
import { RoomList } from './RoomList';
import { StartCards } from './StartCards';

export function HomePage() {
  const t = useT();
  useTitle(t('app.tagline'));
  return (
    <>
      <a className="skip-link" href="#main">{t('app.skip')}</a>
      <Header>
        <Link className="button button-quiet" to="/guarantee" data-testid="guarantee-link">{t('g.nav')}</Link>
        <SignInButton />
      </Header>
      <main id="main" className="home">
        <Hero />
        <Problems />
        <StartCards />
        <RoomList />
      </main>
      <Footer />
    </>
  );
}

function Hero() {
  const t = useT();
  return (
    <section className="hero">
      <div>
        <h1>{t('home.title')}</h1>
        <p className="lead">{t('home.lead')}</p>
      </div>
      <dl className="facts">
        {(['binary', 'wire', 'measured'] as const).map((fact) => (
          <div key={fact}>
            <dt>{t(`home.fact.${fact}`)}</dt>
            <dd>{t(`home.fact.${fact}.text`)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Problems() {
  const t = useT();
  const { status, failure, retry } = useCredentials();
  return (
    <>
      <InsecureNotice />
      {status === 'failed' && (
        <Notice
          tone="error"
          title={t('error.config.title')}
          action={<button type="button" className="button" onClick={retry}>{t('error.retry')}</button>}
        >
          {t('error.config.text', { detail: failure ?? '', origin: window.location.origin })}
        </Notice>
      )}
    </>
  );
}

function Footer() {
  const t = useT();
  const { config } = useCredentials();
  if (!config) return null;
  return (
    <footer className="site-footer">
      <span>Surecast · {t('home.version', { version: config.version })}</span>
      {config.dev && (
        <span className="dev-note"><strong>{t('home.mode.dev')}</strong> {t('home.mode.dev.text')}</span>
      )}
    </footer>
  );
}
