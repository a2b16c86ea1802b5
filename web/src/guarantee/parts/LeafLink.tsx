import { useState } from 'react';
import { useT } from '../../i18n/I18nProvider';
import { Icon } from '../../ui/Icon';
import { showCommand, tilePath } from '../logic/leaves';

interface LeafLinkProps {
  leaf: number;
  /** Leaves of the log, as far as that is known. */
  size: number;
}

/** A leaf of the log: its tile to look at, and the command that proves it. */
export function LeafLink({ leaf, size }: LeafLinkProps) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  const command = showCommand(window.location.origin, leaf);
  const copy = () =>
    void navigator.clipboard?.writeText(command).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    });
  const tile = tilePath(leaf, size);
  const name = t('g.leaf', { leaf });
  return (
    <span className="g-leaf">
      {tile ? <a href={tile} title={t('g.leaf.tile')}>{name}</a> : name}
      <button type="button" className="g-leaf-copy" title={command} aria-label={t('g.leaf.copy', { leaf })} onClick={copy}>
        <Icon name={copied ? 'check' : 'copy'} size={14} />
      </button>
    </span>
  );
}
