import { useI18n } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { Link } from '../ui/Link';

export function Brand() {
  return (
    <Link to="/" className="brand" aria-label="Surecast">
      <img src="/favicon.svg" alt="" width="28" height="28" />
      <span>Surecast</span>
    </Link>
  );
}

export function LanguageSwitch() {
  const { t, toggle, language } = useI18n();
  return (
    <button
      type="button"
      className="button button-quiet"
      data-testid="lang-switch"
      lang={language === 'zh' ? 'en' : 'zh-CN'}
      aria-label={t('lang.switch')}
      onClick={toggle}
    >
      <Icon name="globe" size={18} />
      <span className="label">{t('lang.short')}</span>
    </button>
  );
}

export function Header({ children }: { children?: React.ReactNode }) {
  return (
    <header className="site-header">
      <div className="site-header-inner">
        <Brand />
        <div className="site-header-actions">
          {children}
          <LanguageSwitch />
        </div>
      </div>
    </header>
  );
}
