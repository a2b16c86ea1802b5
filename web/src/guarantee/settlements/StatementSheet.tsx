import { useEffect, useState } from 'react';
import { useI18n } from '../../i18n/I18nProvider';
import { Sheet } from '../../ui/Sheet';
import type { GuaranteeError, StatementFormat } from '../api';
import { Loading, Trouble } from '../parts/Loading';
import { Refusal } from '../parts/Form';
import { useMe } from '../SessionProvider';
import { useAct } from '../useAct';

interface StatementProps {
  contract: string;
  period: number;
  name: string;
  onClose(): void;
}

const ENDINGS: Record<StatementFormat, string> = { html: 'html', pdf: 'pdf', json: 'json', text: 'txt' };
/** The browser has begun to save the file long before. */
const KEEP_MS = 60_000;

/** The statement as the server writes it, in a frame that can run nothing; and to take along. */
export function StatementSheet({ contract, period, name, onClose }: StatementProps) {
  const { t, language } = useI18n();
  const { api } = useMe();
  const act = useAct(() => undefined);
  const [page, setPage] = useState<string>();
  const [error, setError] = useState<GuaranteeError>();
  useEffect(() => {
    let stale = false;
    api
      .document(contract, period, 'html', language)
      .then((blob) => blob.text())
      .then((html) => stale || setPage(html), (cause: GuaranteeError) => stale || setError(cause));
    return () => {
      stale = true;
    };
  }, [api, contract, period, language]);
  const save = (format: StatementFormat) =>
    void act.run(async () => {
      const url = URL.createObjectURL(await api.document(contract, period, format, language));
      const link = document.createElement('a');
      link.href = url;
      link.download = `${contract}-${period}.${ENDINGS[format]}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
    });
  return (
    <Sheet title={name} onClose={onClose}>
      <div className="form">
        {error && <Trouble error={error} />}
        {!page && !error && <Loading />}
        {page && <iframe className="g-statement" title={t('g.statement')} sandbox="" srcDoc={page} />}
        <div className="button-row">
          {(['pdf', 'html', 'json', 'text'] as const).map((format) => (
            <button key={format} type="button" className="button button-small" disabled={act.busy} onClick={() => save(format)}>
              {t('g.statement.save', { format: format.toUpperCase() })}
            </button>
          ))}
        </div>
        <Refusal text={act.refused} />
      </div>
    </Sheet>
  );
}
