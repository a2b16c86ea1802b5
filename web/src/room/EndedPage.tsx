import { Header } from '../app/Header';
import { useT } from '../i18n/I18nProvider';
import type { TextKey } from '../i18n/en';
import { Link } from '../ui/Link';
import { Notice } from '../ui/Notice';
import type { Ending } from './explain';

const TITLE: Record<Ending, TextKey> = {
  left: 'room.left',
  duplicate: 'room.ended.duplicate',
  removed: 'room.ended.removed',
  closed: 'room.ended.closed',
  lost: 'room.ended.lost',
};

const TEXT: Record<Ending, TextKey> = {
  left: 'room.left.text',
  duplicate: 'room.ended.duplicate.text',
  removed: 'room.ended.removed.text',
  closed: 'room.ended.closed.text',
  lost: 'room.ended.lost.text',
};

export function EndedPage({ ending, onRejoin }: { ending: Ending; onRejoin(): void }) {
  const t = useT();
  return (
    <>
      <Header />
      <main className="narrow" data-testid="room-ended" data-ending={ending}>
        <Notice
          tone={ending === 'lost' ? 'error' : 'empty'}
          icon={ending === 'left' ? 'leave' : undefined}
          title={t(TITLE[ending])}
          action={
            <div className="button-row">
              <button type="button" className="button button-primary" onClick={onRejoin}>{t('room.rejoin')}</button>
              <Link to="/" className="button">{t('room.backHome')}</Link>
            </div>
          }
        >
          {t(TEXT[ending])}
        </Notice>
      </main>
    </>
  );
}
