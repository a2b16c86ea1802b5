import { useState } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { Sheet } from '../../ui/Sheet';
import type { Settlement } from '../api';
import { type SettlementStep, settlementSteps } from '../logic/roles';
import { Refusal } from '../parts/Form';
import { useMe } from '../SessionProvider';
import { useAct } from '../useAct';

interface ActionsProps {
  contract: string;
  settlement: Settlement;
  after(): void;
}

/** Bytes, as the log takes them. */
const MAX_REASON = 500;

/** Every step is for good, so each is asked for once more, with its reason. */
export function SettlementActions({ contract, settlement, after }: ActionsProps) {
  const t = useT();
  const { me, api } = useMe();
  const act = useAct(after);
  const [step, setStep] = useState<SettlementStep>();
  const [reason, setReason] = useState('');
  const send = async () => {
    if (!step) return;
    const done = await act.run(() => api.settle(contract, settlement.period, step, reason.trim()), t(`g.done.${step}`));
    if (done) setStep(undefined);
  };
  const needsReason = step === 'dispute' || step === 'correct';
  return (
    <>
      {settlementSteps(me.role, settlement).map((each) => (
        <button key={each} type="button" className="button button-small" data-testid={`g-step-${each}`} onClick={() => setStep(each)}>
          {t(`g.step.${each}`)}
        </button>
      ))}
      {step && (
        <Sheet title={t(`g.step.${step}`)} onClose={() => setStep(undefined)}>
          <form className="form" onSubmit={(event) => { event.preventDefault(); void send(); }}>
            <p>{t(`g.step.${step}.text`)}</p>
            {needsReason && (
              <label className="field g-prose">
                <span>{t('g.reason')}</span>
                <textarea required rows={3} maxLength={MAX_REASON} value={reason} onChange={(event) => setReason(event.target.value)} />
              </label>
            )}
            <Refusal text={act.refused} />
            <div className="form-actions">
              <button type="button" className="button" onClick={() => setStep(undefined)}>{t('signin.cancel')}</button>
              <button type="submit" className="button button-primary" disabled={act.busy || (needsReason && !reason.trim())}>{t(`g.step.${step}`)}</button>
            </div>
          </form>
        </Sheet>
      )}
    </>
  );
}
