import { useState } from 'react';
import { watchPath } from '../app/routes';
import { type ApiKeys, viewerToken } from '../auth/credentials';
import { useT } from '../i18n/I18nProvider';
import { QrCode } from '../ui/QrCode';
import { Sheet } from '../ui/Sheet';
import { CopyField } from './CopyField';
import { ExpirySelect, USUAL_TTL_S } from './ExpirySelect';
import { useSigned } from './useSigned';

/** Everybody may have the same link: a viewer who does not join needs no name of their own. */
const VIEWER = 'viewer';

export function ShareSheet({ room, keys, onClose }: { room: string; keys: ApiKeys; onClose(): void }) {
  const t = useT();
  const [ttlS, setTtl] = useState(USUAL_TTL_S);
  const token = useSigned(() => viewerToken(keys, room, VIEWER, ttlS), [keys, room, ttlS]);
  const link = token && `${window.location.origin}${watchPath(room)}#token=${token}`;
  return (
    <Sheet title={t('golive.share')} onClose={onClose}>
      <div className="form">
        <p className="muted">{t('golive.share.text')}</p>
        <ExpirySelect label={t('golive.share.expiry')} value={ttlS} onChange={setTtl} />
        {link && (
          <>
            <CopyField label={t('golive.share')} value={link} testId="share-link" qr={false} />
            <div className="golive-qr"><QrCode text={link} label={t('golive.qr', { what: t('golive.share') })} /></div>
          </>
        )}
      </div>
    </Sheet>
  );
}
