import { type ReactNode } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { Notice } from '../../ui/Notice';
import type { ContractDetail } from '../api';
import { word } from './words';

export function Refusal({ text }: { text?: string }) {
  const t = useT();
  if (text === undefined) return null;
  return <div data-testid="g-refused"><Notice tone="warning" title={t('g.refused')}>{text}</Notice></div>;
}

interface PickProps {
  label: string;
  value: string;
  /** Names as the contract has them; `words` is where their translation stands. */
  names: readonly string[];
  words?: string;
  any: string;
  onChange(value: string): void;
}

/** One of the names, or any. */
export function Pick({ label, value, names, words, any, onChange }: PickProps) {
  const t = useT();
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{any}</option>
        {names.map((name) => <option key={name} value={name}>{words ? word(t, words, name) : name}</option>)}
      </select>
    </label>
  );
}

interface WhenProps {
  label: string;
  value: string;
  required?: boolean;
  onChange(value: string): void;
  children?: ReactNode;
}

/** A time in the reader's zone; the server gets the instant. */
export function When({ label, value, required, onChange, children }: WhenProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <input type="datetime-local" value={value} required={required} onChange={(event) => onChange(event.target.value)} />
      {children}
    </label>
  );
}

export function instant(local: string): string | undefined {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

export const modulesOf = (contract: ContractDetail) => [...new Set(contract.coverage.map((line) => line.module))];
export const regionsOf = (contract: ContractDetail) => [...new Set(contract.coverage.map((line) => line.region))];
