import { Component, type ReactNode } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Notice } from '../ui/Notice';

interface CrashGuardState {
  error?: Error;
}

/** A bug in one component must not leave an empty page. */
export class CrashGuard extends Component<{ children: ReactNode }, CrashGuardState> {
  override state: CrashGuardState = {};

  static getDerivedStateFromError(error: Error): CrashGuardState {
    return { error };
  }

  override render() {
    return this.state.error ? <Crashed error={this.state.error} /> : this.props.children;
  }
}

function Crashed({ error }: { error: Error }) {
  const t = useT();
  const reload = () => window.location.reload();
  return (
    <main className="narrow">
      <Notice
        tone="error"
        title={t('error.crash.title')}
        action={
          <button type="button" className="button button-primary" onClick={reload}>{t('error.crash.reload')}</button>
        }
      >
        {t('error.crash.text', { detail: error.message })}
      </Notice>
    </main>
  );
}
