import { useT } from '../i18n/I18nProvider';
import type { Protocol } from './addresses';

export function ObsSteps({ protocol }: { protocol: Protocol }) {
  const t = useT();
  return (
    <section>
      <h3>{t('golive.obs')}</h3>
      <ol className="steps">
        <li>{t(`golive.obs.${protocol}`)}</li>
        <li>{t('golive.obs.keyframes')}</li>
        <li>{t('golive.obs.bframes')}</li>
        <li>{t(protocol === 'whip' ? 'golive.obs.audioWhip' : 'golive.obs.audio')}</li>
        <li>{t('golive.obs.start')}</li>
      </ol>
    </section>
  );
}
