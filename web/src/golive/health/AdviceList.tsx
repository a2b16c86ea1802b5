import { useT } from '../../i18n/I18nProvider';
import type { Translate } from '../../i18n/translate';
import { formatBitrate, formatMs } from '../../quality/format';
import { Icon } from '../../ui/Icon';
import type { Advice } from './advice';

export function AdviceList({ advice }: { advice: Advice[] }) {
  const t = useT();
  if (advice.length === 0) {
    return (
      <p className="advice advice-good" data-testid="advice-good">
        <Icon name="check" size={18} />
        <span>{t('golive.advice.good')}</span>
      </p>
    );
  }
  return (
    <section>
      <h3>{t('golive.advice.title')}</h3>
      <ul className="advices" data-testid="advice">
        {advice.map((each) => {
          const [title, text] = words(t, each);
          return (
            <li key={title} className="advice" data-about={each.about}>
              <Icon name="warning" size={18} />
              <span><strong>{title}</strong> {text}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function words(t: Translate, advice: Advice): [string, string] {
  switch (advice.about) {
    case 'silent':
      return [t('golive.advice.silent', { n: advice.seconds }), t('golive.advice.silent.text')];
    case 'notInRoom':
      return [
        t(`golive.advice.notInRoom.${advice.kind}`),
        t('golive.advice.notInRoom.text', { words: sentence(advice.words) }),
      ];
    case 'keyframes':
      return [t('golive.advice.keyframes', { n: round(advice.seconds) }), t('golive.advice.keyframes.text')];
    case 'fps':
      return [
        t('golive.advice.fps', { now: round(advice.now), usual: round(advice.usual) }),
        t('golive.advice.fps.text'),
      ];
    case 'bitrate':
      return [
        t('golive.advice.bitrate', { low: formatBitrate(advice.low), usual: formatBitrate(advice.usual) }),
        t('golive.advice.bitrate.text'),
      ];
    case 'behind':
    case 'ahead':
      return [
        t(`golive.advice.${advice.about}`, { time: formatMs(advice.ms) }),
        t(`golive.advice.${advice.about}.text`),
      ];
    case 'noAudio':
    case 'noVideo':
      return [t(`golive.advice.${advice.about}`), t(`golive.advice.${advice.about}.text`)];
  }
}

/** The server's words are the end of a sentence of its log; here they are one of their own. */
function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1).replace(/[.。]$/, '');
}

const round = (value: number) => Math.round(value * 10) / 10;
