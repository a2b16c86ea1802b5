import { createAudioAnalyser, type LocalAudioTrack } from 'livekit-client';
import { useEffect, useRef } from 'react';
import { useT } from '../i18n/I18nProvider';

/** Shows that the microphone hears something. Drawn without React: it changes every frame. */
export function LevelMeter({ track }: { track: LocalAudioTrack | undefined }) {
  const t = useT();
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!track) return;
    const { calculateVolume, cleanup } = createAudioAnalyser(track, { smoothingTimeConstant: 0.6 });
    let frame = 0;
    const draw = () => {
      // Speech lies low on the linear scale; the root spreads it over the bar.
      const level = Math.min(1, Math.sqrt(calculateVolume()) * 1.4);
      bar.current?.style.setProperty('--level', level.toFixed(3));
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => {
      cancelAnimationFrame(frame);
      void cleanup();
    };
  }, [track]);
  return (
    <span className="level" role="img" aria-label={t('prejoin.level')}>
      <span ref={bar} className="level-bar" />
    </span>
  );
}
