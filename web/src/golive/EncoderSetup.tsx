import { useState } from 'react';
import { type ApiKeys, encoderToken } from '../auth/credentials';
import { useCredentials } from '../auth/CredentialsProvider';
import { useT } from '../i18n/I18nProvider';
import { type Addresses, addressesOf, openProtocols, type Protocol } from './addresses';
import { CopyField } from './CopyField';
import { ExpirySelect, USUAL_TTL_S } from './ExpirySelect';
import { FfmpegCommand } from './FfmpegCommand';
import { ObsSteps } from './ObsSteps';
import { useSigned } from './useSigned';

export function EncoderSetup({ room, keys }: { room: string; keys: ApiKeys }) {
  const t = useT();
  const { config } = useCredentials();
  const open = openProtocols(config ?? {});
  const [chosen, setProtocol] = useState<Protocol>();
  const protocol = chosen ?? open[0] ?? 'whip';
  const [ttlS, setTtl] = useState(USUAL_TTL_S);
  const token = useSigned(() => encoderToken(keys, room, ttlS), [keys, room, ttlS]);
  const { origin, hostname } = window.location;
  const { rtmpPort, rtmpsPort, srtPort } = config ?? {};
  const place = { origin, hostname, rtmpPort, rtmpsPort, srtPort };
  return (
    <section className="panel golive-setup" aria-labelledby="setup-title">
      <h2 id="setup-title">{t('golive.setup')}</h2>
      <ProtocolChoice protocols={open} protocol={protocol} onChange={setProtocol} />
      {token && (
        <Fields
          protocol={protocol}
          token={token}
          addresses={addressesOf(place, room, token)}
          encrypted={config?.srtEncrypted ?? false}
        />
      )}
      <div>
        <ExpirySelect label={t('golive.expiry')} value={ttlS} onChange={setTtl} />
        <p className="hint golive-expiry-hint">{t('golive.expiry.hint')}</p>
      </div>
      <ObsSteps protocol={protocol} />
      {token && <FfmpegCommand protocol={protocol} addresses={addressesOf(place, room, token)} />}
    </section>
  );
}

interface ProtocolChoiceProps {
  protocols: readonly Protocol[];
  protocol: Protocol;
  onChange(protocol: Protocol): void;
}

function ProtocolChoice({ protocols, protocol, onChange }: ProtocolChoiceProps) {
  const t = useT();
  return (
    <div>
      <fieldset className="segments">
        <legend>{t('golive.protocol')}</legend>
        {protocols.map((each) => (
          <label key={each} className="segment" data-testid={`protocol-${each}`}>
            <input type="radio" name="protocol" checked={each === protocol} onChange={() => onChange(each)} />
            <span>{each.toUpperCase()}</span>
          </label>
        ))}
      </fieldset>
      <p className="hint golive-protocol-hint">{t(`golive.protocol.${protocol}.text`)}</p>
    </div>
  );
}

interface FieldsProps {
  protocol: Protocol;
  token: string;
  addresses: Addresses;
  /** SRT callers need a passphrase that the page does not know. */
  encrypted: boolean;
}

function Fields({ protocol, token, addresses, encrypted }: FieldsProps) {
  const t = useT();
  const { rtmp, srt, whip } = addresses;
  switch (protocol) {
    case 'rtmp':
      return (
        <div className="form">
          <CopyField label={t('golive.server')} value={rtmp.server} testId="rtmp-server" />
          <CopyField label={t('golive.key')} value={rtmp.key} secret={token} testId="rtmp-key" />
          <CopyField label={t('golive.oneUrl')} hint={t('golive.oneUrl.hint')} value={rtmp.url} secret={token} testId="rtmp-url" />
        </div>
      );
    case 'srt':
      return (
        <div className="form">
          <CopyField label={t('golive.srtUrl')} value={srt.url} secret={token} testId="srt-url" />
          {srt.unusable && <p className="field-error" role="alert">{t(`golive.srt.${srt.unusable}`)}</p>}
          {encrypted && <p className="hint">{t('golive.srt.passphrase')}</p>}
        </div>
      );
    case 'whip':
      return (
        <div className="form">
          <CopyField label={t('golive.whipUrl')} value={whip.url} testId="whip-url" />
          <CopyField label={t('golive.bearer')} value={whip.token} secret={token} testId="whip-token" />
        </div>
      );
  }
}
