import { useRoomContext } from '@livekit/components-react';
import { useCallback, useEffect, useState } from 'react';

/** Chat over text streams, on the topic every LiveKit client uses for it. */

export interface ChatLine {
  id: string;
  identity: string;
  name: string;
  text: string;
  mine: boolean;
}

const TOPIC = 'lk.chat';
const MAX_LINES = 300;

export function useChat() {
  const room = useRoomContext();
  const [lines, setLines] = useState<ChatLine[]>([]);
  const add = useCallback(
    (line: ChatLine) => setLines((all) => [...all, line].slice(-MAX_LINES)),
    [],
  );
  useEffect(() => {
    room.registerTextStreamHandler(TOPIC, (reader, { identity }) => {
      const name = room.remoteParticipants.get(identity)?.name || identity;
      // A sender who leaves in the middle of a message: there is nothing to show then.
      reader.readAll().then(
        (text) => add({ id: reader.info.id, identity, name, text, mine: false }),
        () => undefined,
      );
    });
    return () => room.unregisterTextStreamHandler(TOPIC);
  }, [room, add]);
  const send = useCallback(
    async (text: string) => {
      const me = room.localParticipant;
      const info = await me.sendText(text, { topic: TOPIC });
      add({ id: info.id, identity: me.identity, name: me.name || me.identity, text, mine: true });
    },
    [room, add],
  );
  return { lines, send };
}
