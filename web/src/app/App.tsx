import { lazy, Suspense } from 'react';
import { CredentialsProvider } from '../auth/CredentialsProvider';
import { HomePage } from '../home/HomePage';
import { I18nProvider, useT } from '../i18n/I18nProvider';
import { Notice } from '../ui/Notice';
import { Link } from '../ui/Link';
import { ToastProvider } from '../ui/toasts';
import { CrashGuard } from './CrashGuard';
import { Header } from './Header';
import { usePath } from './navigation';
import { parseRoute } from './routes';

// The SDK is most of the code; the home page does not wait for it.
const RoomPage = lazy(() => import('../room/RoomPage'));
const GoLivePage = lazy(() => import('../golive/GoLivePage'));
const WatchPage = lazy(() => import('../watch/WatchPage'));
const GuaranteePage = lazy(() => import('../guarantee/GuaranteePage'));

export function App() {
  return (
    <I18nProvider>
      <CredentialsProvider>
        <ToastProvider>
          <CrashGuard><Page /></CrashGuard>
        </ToastProvider>
      </CredentialsProvider>
    </I18nProvider>
  );
}

function Page() {
  const path = usePath();
  const route = parseRoute(path);
  switch (route.page) {
    case 'home':
      return <HomePage />;
    case 'room':
      return <Suspense fallback={<PageLoading />}><RoomPage key={path} kind={route.kind} roomName={route.room} /></Suspense>;
    case 'golive':
      return <Suspense fallback={<PageLoading />}><GoLivePage key={path} room={route.room} /></Suspense>;
    case 'watch':
      return <Suspense fallback={<PageLoading />}><WatchPage key={path} room={route.room} /></Suspense>;
    case 'guarantee':
      return <Suspense fallback={<PageLoading />}><GuaranteePage /></Suspense>;
    case 'missing':
      return <MissingPage path={route.path} />;
  }
}

function PageLoading() {
  return <div className="page-loading"><span className="spinner" /></div>;
}

function MissingPage({ path }: { path: string }) {
  const t = useT();
  return (
    <>
      <Header />
      <main className="narrow">
        <Notice
          tone="empty"
          title={t('error.missing.title')}
          action={<Link to="/" className="button button-primary">{t('room.backHome')}</Link>}
        >
          {t('error.missing.text', { path })}
        </Notice>
      </main>
    </>
  );
}
