import { useT } from '../i18n/I18nProvider';
import { Icon, type IconName } from '../ui/Icon';

export type DeviceKind = 'camera' | 'microphone' | 'speaker';

const ICONS: Record<DeviceKind, IconName> = { camera: 'camera', microphone: 'mic', speaker: 'speaker' };

interface DeviceSelectProps {
  kind: DeviceKind;
  devices: MediaDeviceInfo[];
  value: string | undefined;
  onChange(deviceId: string): void;
}

export function DeviceSelect({ kind, devices, value, onChange }: DeviceSelectProps) {
  const t = useT();
  const known = devices.filter((device) => device.deviceId);
  return (
    <label className="device-select" title={t(`device.${kind}`)}>
      <Icon name={ICONS[kind]} size={18} />
      <span className="sr-only">{t(`device.${kind}`)}</span>
      <select value={value ?? ''} disabled={devices.length === 0} onChange={(e) => onChange(e.target.value)}>
        {devices.length === 0 && <option value="">{`${t(`device.${kind}`)}: ${t('device.none')}`}</option>}
        {devices.length > 0 && !known.some((device) => device.deviceId === value) && (
          <option value={value ?? ''}>{t('device.default')}</option>
        )}
        {known.map((device) => (
          <option key={device.deviceId} value={device.deviceId}>{device.label || t(`device.${kind}`)}</option>
        ))}
      </select>
    </label>
  );
}
