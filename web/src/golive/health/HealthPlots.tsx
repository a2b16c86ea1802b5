import { useMemo } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { formatBitrate, formatMs } from '../../quality/format';
import { type Line, TimeSeries } from '../../quality/TimeSeries';
import type { HealthSample } from './history';

type HealthLine = Line<HealthSample>;

export function HealthPlots({ samples }: { samples: readonly HealthSample[] }) {
  const t = useT();
  const rates = useMemo<HealthLine[]>(
    () => [
      { label: t('golive.health.video'), color: '--plot-1', value: (s) => s.videoKbps },
      { label: t('golive.health.audio'), color: '--plot-2', value: (s) => s.audioKbps },
    ],
    [t],
  );
  const one = (label: string, color: string, value: HealthLine['value']): HealthLine[] => [{ label, color, value }];
  return (
    <div className="golive-plots" data-testid="health-plots">
      <TimeSeries title={t('golive.health.bitrate')} samples={samples} format={formatBitrate} atLeast={100} lines={rates} />
      <TimeSeries
        title={t('golive.health.fps')}
        samples={samples}
        format={(n) => String(Math.round(n))}
        atLeast={10}
        lines={one(t('golive.health.fps'), '--plot-3', (s) => s.fps)}
      />
      <TimeSeries
        title={t('golive.health.keyframes')}
        samples={samples}
        format={(s) => `${s.toFixed(1)} s`}
        atLeast={4}
        lines={one(t('golive.health.keyframes'), '--plot-4', (s) => s.groupS)}
      />
      <TimeSeries
        title={t('golive.health.drift')}
        samples={samples}
        format={formatMs}
        atLeast={100}
        lines={one(t('golive.health.drift'), '--plot-2', (s) => s.driftMs === null ? null : Math.abs(s.driftMs))}
      />
    </div>
  );
}
