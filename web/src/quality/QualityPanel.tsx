import { useSyncExternalStore } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { formatBitrate, formatMs, formatPercent } from './format';
import { JoinBar } from './JoinBar';
import type { QualityMonitor } from './monitor';
import type { Sample } from './stats';
import { TimeSeries } from './TimeSeries';
import { TrackTable } from './TrackTable';

interface QualityPanelProps {
  monitor: QualityMonitor;
  onClose(): void;
}

export function QualityPanel({ monitor, onClose }: QualityPanelProps) {
  const t = useT();
  const { marks, samples, tracks } = useSyncExternalStore(monitor.subscribe, monitor.getState);
  return (
    <aside className="quality" data-testid="quality-panel" aria-label={t('quality.title')}>
      <header className="panel-head">
        <h2>{t('quality.title')}</h2>
        <button type="button" className="icon-button" aria-label={t('control.close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <JoinBar marks={marks} />
      {samples.length === 0 ? <p className="hint">{t('quality.collecting')}</p> : <Plots samples={samples} />}
      <TrackTable rows={tracks} />
    </aside>
  );
}

function Plots({ samples }: { samples: readonly Sample[] }) {
  const t = useT();
  return (
    <>
      <TimeSeries
        title={t('quality.bitrate')}
        samples={samples}
        format={formatBitrate}
        atLeast={100}
        lines={[
          { label: t('quality.bitrate.receive'), color: '--plot-1', value: (s) => s.receiveKbps },
          { label: t('quality.bitrate.send'), color: '--plot-2', value: (s) => s.sendKbps },
        ]}
      />
      <TimeSeries
        title={t('quality.loss')}
        samples={samples}
        format={formatPercent}
        atLeast={1}
        lines={[
          { label: t('quality.bitrate.receive'), color: '--plot-1', value: (s) => s.receiveLossPct },
          { label: t('quality.bitrate.send'), color: '--plot-2', value: (s) => s.sendLossPct },
        ]}
      />
      <TimeSeries
        title={t('quality.rtt')}
        samples={samples}
        format={formatMs}
        atLeast={5}
        lines={[{ label: t('quality.rtt'), color: '--plot-3', value: (s) => s.rttMs }]}
      />
      <TimeSeries
        title={t('quality.freezes')}
        samples={samples}
        format={(n) => String(Math.round(n))}
        atLeast={2}
        lines={[{ label: t('quality.freezes'), color: '--plot-4', value: (s) => s.freezes }]}
      />
    </>
  );
}
