import { useCallback, useRef, useState } from 'react';
import { useT } from '../i18n/I18nProvider';
import { useDataMessages } from '../room/useDataMessages';

/** Reactions are fun, not facts: they travel in lossy packets and are never repeated. */

const EMOJIS = ['👏', '❤️', '🔥', '😂', '🎉'];
const MAX_FLOATING = 30;

interface Floating {
  id: number;
  emoji: string;
  left: number;
}

export function useReactions() {
  const [floating, setFloating] = useState<Floating[]>([]);
  const nextId = useRef(0);
  const float = useCallback((emoji: string) => {
    const item = { id: nextId.current++, emoji, left: 8 + Math.random() * 84 };
    setFloating((all) => [...all, item].slice(-MAX_FLOATING));
  }, []);
  const send = useDataMessages('reaction', (text) => {
    // Whatever others send, only our own emojis fly over the stage.
    if (EMOJIS.includes(text)) float(text);
  });
  const react = (emoji: string) => {
    float(emoji);
    void send(emoji, { reliable: false }).catch(() => undefined);
  };
  const landed = (id: number) => setFloating((all) => all.filter((item) => item.id !== id));
  return { floating, react, landed };
}

export function ReactionButtons({ onReact }: { onReact(emoji: string): void }) {
  const t = useT();
  return (
    <div className="reactions">
      {EMOJIS.map((emoji) => (
        <button
          key={emoji}
          type="button"
          className="reaction"
          data-testid="reaction-button"
          aria-label={t('show.react', { emoji })}
          onClick={() => onReact(emoji)}
        >
          {emoji}
        </button>
      ))}
    </div>
  );
}

interface SkyProps {
  floating: Floating[];
  onLanded(id: number): void;
}

export function ReactionSky({ floating, onLanded }: SkyProps) {
  return (
    <div className="reaction-sky" aria-hidden="true">
      {floating.map(({ id, emoji, left }) => (
        <span
          key={id}
          className="reaction-float"
          data-testid="reaction-float"
          style={{ left: `${left}%` }}
          onAnimationEnd={() => onLanded(id)}
        >
          {emoji}
        </span>
      ))}
    </div>
  );
}
