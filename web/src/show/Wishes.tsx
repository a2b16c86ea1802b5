import { useT } from '../i18n/I18nProvider';
import type { useStageControl } from '../room/useStageControl';
import { Notice } from '../ui/Notice';

/** What co-hosts ask of the host. */
export function Wishes({ control }: { control: ReturnType<typeof useStageControl> }) {
  const t = useT();
  return control.wishes.map((wish) => (
    <Notice
      key={wish.identity}
      tone="info"
      icon="hand"
      title={t('show.askedYou', { by: wish.by, name: wish.name })}
      action={
        <div className="button-row">
          <button
            type="button"
            className="button button-primary button-small"
            onClick={() => void control.change(wish.identity, true)}
          >
            {t('show.accept')}
          </button>
          <button type="button" className="button button-small" onClick={() => control.drop(wish.identity)}>
            {t('show.dismiss')}
          </button>
        </div>
      }
    />
  ));
}
