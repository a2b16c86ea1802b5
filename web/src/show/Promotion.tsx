import { useCallback, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { usePublishing } from '../room/usePublishing';
import { usePromotion } from '../room/useStageControl';
import { Notice } from '../ui/Notice';
import { useToast } from '../ui/toasts';

/** Being invited must not turn on anybody's camera: that stays the guest's own click. */
export function Promotion() {
  const t = useT();
  const toast = useToast();
  const [invited, setInvited] = useState(false);
  const { turnOn } = usePublishing();
  usePromotion(
    useCallback(
      (allowed: boolean) => {
        setInvited(allowed);
        if (!allowed) toast(t('show.offStage'));
      },
      [t, toast],
    ),
  );
  if (!invited) return null;
  const go = () => {
    setInvited(false);
    void turnOn(true, true);
  };
  return (
    <div data-testid="promotion">
      <Notice
        tone="info"
        icon="live"
        title={t('show.onStage')}
        action={
          <div className="button-row">
            <button type="button" className="button button-primary" data-testid="promotion-go" onClick={go}>
              {t('show.onStage.go')}
            </button>
            <button type="button" className="button" onClick={() => setInvited(false)}>{t('show.dismiss')}</button>
          </div>
        }
      >
        {t('show.onStage.text')}
      </Notice>
    </div>
  );
}
