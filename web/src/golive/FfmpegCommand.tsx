import { useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import type { Addresses, Protocol } from './addresses';
import { CopyField } from './CopyField';
import { ffmpegCommand, type Input } from './ffmpeg';

const INPUTS: readonly Input[] = ['test', 'file'];

export function FfmpegCommand({ protocol, addresses }: { protocol: Protocol; addresses: Addresses }) {
  const t = useT();
  const [input, setInput] = useState<Input>('test');
  return (
    <section className="form">
      <h3>{t('golive.ffmpeg')}</h3>
      <fieldset className="segments">
        <legend>{t('golive.ffmpeg.source')}</legend>
        {INPUTS.map((each) => (
          <label key={each} className="segment">
            <input type="radio" name="ffmpeg-input" checked={each === input} onChange={() => setInput(each)} />
            <span>{t(`golive.ffmpeg.${each}`)}</span>
          </label>
        ))}
      </fieldset>
      <CopyField
        label={t('golive.ffmpeg.command')}
        value={ffmpegCommand(protocol, input, addresses)}
        secret={addresses.whip.token}
        hint={protocol === 'whip' ? t('golive.ffmpeg.whip') : undefined}
        testId="ffmpeg-command"
        qr={false}
        wrap
      />
    </section>
  );
}
