import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { useToast } from '../ui/toasts';
import type { ChatLine } from './useChat';

interface ChatPanelProps {
  lines: ChatLine[];
  onSend(text: string): Promise<void>;
}

export function ChatPanel({ lines, onSend }: ChatPanelProps) {
  const t = useT();
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // In braces: scrollIntoView() returns a promise in new browsers, an effect must not.
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [lines.length]);
  return (
    <div className="chat">
      <div className="chat-list" data-testid="chat-list" role="log" aria-label={t('control.chat')}>
        {lines.length === 0 && <p className="chat-empty">{t('show.chat.empty')}</p>}
        {lines.map((line) => (
          <div key={line.id} className={`chat-line ${line.mine ? 'chat-line-mine' : ''}`} data-testid="chat-message">
            <Avatar name={line.name} seed={line.identity} />
            <p>
              <strong>{line.mine ? t('room.you') : line.name}</strong>
              <span>{line.text}</span>
            </p>
          </div>
        ))}
        <div ref={end} />
      </div>
      <ChatInput onSend={onSend} />
    </div>
  );
}

function ChatInput({ onSend }: Pick<ChatPanelProps, 'onSend'>) {
  const t = useT();
  const toast = useToast();
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const message = text.trim();
    if (!message) return;
    setText('');
    onSend(message).catch((error: Error) => {
      setText(message);
      toast(t('show.chat.failed', { reason: error.message }), 'error');
    });
  };
  return (
    <form className="chat-form" onSubmit={submit}>
      <input
        data-testid="chat-input"
        maxLength={1000}
        autoComplete="off"
        aria-label={t('show.chat.placeholder')}
        placeholder={t('show.chat.placeholder')}
        value={text}
        onChange={(e) => setText(e.target.value)}
      />
      <button type="submit" className="icon-button" aria-label={t('show.chat.send')} disabled={!text.trim()}>
        <Icon name="send" />
      </button>
    </form>
  );
}
