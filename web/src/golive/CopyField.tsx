import { useEffect, useId, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { QrCode } from '../ui/QrCode';
import { Sheet } from '../ui/Sheet';
import { masked } from './addresses';

interface CopyFieldProps {
  label: string;
  value: string;
  /** The part of the value that is hidden until it is asked for. */
  secret?: string;
  hint?: string;
  testId: string;
  qr?: boolean;
  /** Long values may take several lines. */
  wrap?: boolean;
}

/** A value to enter somewhere else: copied with one touch, or scanned from another device. */
export function CopyField({ label, value, secret = '', hint, testId, qr = true, wrap = false }: CopyFieldProps) {
  const t = useT();
  const id = useId();
  const [revealed, setRevealed] = useState(false);
  const [code, setCode] = useState(false);
  return (
    <div className="copy-field">
      <span id={id} className="copy-label">{label}</span>
      <div className={`copy-box ${wrap ? 'copy-box-wrap' : ''}`}>
        <code aria-labelledby={id} data-testid={testId} tabIndex={0}>{revealed ? value : masked(value, secret)}</code>
        <span className="copy-buttons">
          {secret && (
            <button
              type="button"
              className="icon-button"
              aria-pressed={revealed}
              aria-label={t(revealed ? 'golive.hide' : 'golive.reveal', { what: label })}
              title={t(revealed ? 'golive.hide' : 'golive.reveal', { what: label })}
              data-testid={`${testId}-reveal`}
              onClick={() => setRevealed((shown) => !shown)}
            >
              <Icon name={revealed ? 'eyeOff' : 'eye'} />
            </button>
          )}
          {qr && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('golive.qr', { what: label })}
              title={t('golive.qr', { what: label })}
              data-testid={`${testId}-qr`}
              onClick={() => setCode(true)}
            >
              <Icon name="qr" />
            </button>
          )}
          <CopyButton label={label} value={value} testId={`${testId}-copy`} />
        </span>
      </div>
      {hint && <small className="hint">{hint}</small>}
      {code && (
        <Sheet title={label} onClose={() => setCode(false)}>
          <div className="golive-qr"><QrCode text={value} label={t('golive.qr', { what: label })} /></div>
          {secret && <p className="hint golive-qr-note">{t('golive.qr.note')}</p>}
        </Sheet>
      )}
    </div>
  );
}

const COPIED_MS = 2000;

function CopyButton({ label, value, testId }: { label: string; value: string; testId: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void navigator.clipboard?.writeText(value).then(() => setCopied(true), () => undefined);
  const words = copied ? t('golive.copied') : t('golive.copy', { what: label });
  return (
    <button
      type="button"
      className={`icon-button ${copied ? 'copied' : ''}`}
      aria-label={words}
      title={words}
      data-testid={testId}
      onClick={copy}
    >
      <Icon name={copied ? 'check' : 'copy'} />
    </button>
  );
}
