import { useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import type { ContractDetail } from './api';
import { Loading, Trouble } from './parts/Loading';
import { useStatus } from './parts/useStatus';

/** The exact commands for this server: whoever reads them needs nothing from us to try. */
export function VerifyPage({ contract }: { contract: ContractDetail }) {
  const t = useT();
  const { value, error } = useStatus();
  const log = value?.log;
  if (!log) return error ? <Trouble error={error} /> : <Loading />;
  const at = `--log ${window.location.origin}/log/ --key '${log.vkey}'`;
  const leaf = contract.leaf ?? Math.max(0, log.size - 1);
  return (
    <div className="g-verify">
      <p className="lead">{t('g.verify.text')}</p>
      <dl className="g-card g-facts">
        <div><dt>{t('g.verify.origin')}</dt><dd><code>{log.origin}</code></dd></div>
        <div><dt>{t('g.verify.key')}</dt><dd><code data-testid="g-vkey">{log.vkey}</code></dd></div>
        <div><dt>{t('g.verify.size')}</dt><dd><a href="/log/checkpoint">{log.size}</a></dd></div>
        <div><dt>{t('g.verify.hash')}</dt><dd><code>{contract.hash}</code></dd></div>
      </dl>
      <ol className="g-steps">
        <Step title={t('g.verify.log')} text={t('g.verify.log.text')} command={`surecast evidence verify ${at} --keep checkpoint`} />
        <Step title={t('g.verify.later')} text={t('g.verify.later.text')} command={`surecast evidence verify ${at} --from checkpoint --keep checkpoint`} />
        <Step title={t('g.verify.settle')} text={t('g.verify.settle.text')} command={`surecast contract settle ${contract.id}.contract.yaml ${at}`} />
        <Step title={t('g.verify.leaf')} text={t('g.verify.leaf.text')} command={`surecast evidence show ${at} ${leaf}`} />
        <Step title={t('g.verify.export')} text={t('g.verify.export.text')} command={`surecast evidence export ${at} --kind settlement --kind correction`} />
      </ol>
      <p className="hint">{t('g.verify.limits')}</p>
    </div>
  );
}

function Step({ title, text, command }: { title: string; text: string; command: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard?.writeText(command).then(() => setCopied(true));
  return (
    <li className="g-card g-step">
      <h3>{title}</h3>
      <p className="muted">{text}</p>
      <div className="g-command">
        <pre tabIndex={0}><code>{command}</code></pre>
        <button type="button" className="icon-button" aria-label={`${t('g.copy')}: ${title}`} onClick={copy}>
          <Icon name={copied ? 'check' : 'copy'} size={18} />
        </button>
      </div>
    </li>
  );
}
