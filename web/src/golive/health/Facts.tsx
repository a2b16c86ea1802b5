import type { ReactNode } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { formatBitrate, formatDuration, formatMs } from '../../quality/format';
import { type Encoder, type Track, trackOf } from './stream';

export function Facts({ encoder, viewers }: { encoder: Encoder; viewers: number }) {
  const t = useT();
  const video = trackOf(encoder, 'video');
  const audio = trackOf(encoder, 'audio');
  const drift = (video ?? audio)?.driftMs;
  return (
    <dl className="fact-tiles">
      <Fact label={t('golive.health.video')} testId="video-codec" note={video && size(video)}>
        {video?.codec ?? t('golive.health.none')}
      </Fact>
      <Fact label={t('golive.health.fps')} testId="fps">{video ? video.fps.toFixed(1) : '–'}</Fact>
      <Fact label={t('golive.health.bitrate')} testId="bitrate">
        {formatBitrate((video?.kbps ?? 0) + (audio?.kbps ?? 0))}
      </Fact>
      <Fact label={t('golive.health.keyframes')} testId="group">
        {video?.groupS == null ? '–' : `${video.groupS.toFixed(1)} s`}
      </Fact>
      <Fact label={t('golive.health.audio')} testId="audio-codec" note={audio && <Sound track={audio} />}>
        {audio?.codec ?? t('golive.health.none')}
      </Fact>
      <Fact label={t('golive.health.drift')} testId="drift">{drift == null ? '–' : signed(drift)}</Fact>
      <Fact label={t('golive.health.viewers')} testId="viewers" title={t('golive.health.viewers.hint')}>{viewers}</Fact>
      <Fact
        label={t('golive.health.since')}
        testId="since"
        note={t('golive.health.from', { protocol: encoder.protocol.toUpperCase(), address: encoder.from })}
      >
        {formatDuration(encoder.seconds)}
      </Fact>
    </dl>
  );
}

interface FactProps {
  label: string;
  testId: string;
  title?: string;
  note?: ReactNode;
  children: ReactNode;
}

function Fact({ label, testId, title, note, children }: FactProps) {
  return (
    <div className="fact-tile" title={title}>
      <dt>{label}</dt>
      <dd data-testid={`health-${testId}`}>{children}</dd>
      {note && <dd className="fact-note">{note}</dd>}
    </div>
  );
}

function Sound({ track }: { track: Track }) {
  const t = useT();
  const { channels, rate } = track;
  const named = channels === 1 ? t('golive.health.mono') : channels === 2 ? t('golive.health.stereo') : undefined;
  const words = named ?? t('golive.health.channels', { n: channels });
  return <>{`${rate / 1000} kHz, ${words}`}</>;
}

const size = ({ width, height }: Track) => `${width}×${height}`;

/** Ahead or behind: the sign says which. */
function signed(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${formatMs(Math.abs(ms))}`;
}
