import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon';

type Tone = 'info' | 'warning' | 'error' | 'empty';

interface NoticeProps {
  tone: Tone;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  icon?: IconName;
}

/** A state that needs words: what is the case, where, and what to do about it. */
export function Notice({ tone, title, children, action, icon }: NoticeProps) {
  const symbol = icon ?? (tone === 'info' || tone === 'empty' ? 'info' : 'warning');
  return (
    <div className={`notice notice-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      <span className="notice-icon">
        <Icon name={symbol} />
      </span>
      <div className="notice-body">
        <p className="notice-title">{title}</p>
        {children && <div className="notice-text">{children}</div>}
        {action && <div className="notice-action">{action}</div>}
      </div>
    </div>
  );
}
