import { type MouseEvent, type ReactNode, useEffect, useId, useRef } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Icon } from './Icon';

interface SheetProps {
  title: string;
  onClose(): void;
  children: ReactNode;
}

/** A modal sheet on the browser's own <dialog>: focus trap and Escape come with it. */
export function Sheet({ title, onClose, children }: SheetProps) {
  const t = useT();
  const titleId = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const closeOnBackdrop = (event: MouseEvent) => {
    if (event.target === dialog.current) onClose();
  };
  return (
    <dialog ref={dialog} className="sheet" aria-labelledby={titleId} onClose={onClose} onMouseDown={closeOnBackdrop}>
      <div className="sheet-inner">
        <header className="sheet-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" className="icon-button" aria-label={t('control.close')} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
