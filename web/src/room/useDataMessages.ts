import { useRoomContext } from '@livekit/components-react';
import { type RemoteParticipant, RoomEvent } from 'livekit-client';
import { useCallback, useEffect, useRef } from 'react';

type Handler = (text: string, from: RemoteParticipant | undefined) => void;

interface SendOptions {
  reliable: boolean;
  to?: string[];
}

/** Text in data packets of one topic. Returns the function that sends. */
export function useDataMessages(topic: string, onMessage: Handler) {
  const room = useRoomContext();
  const handler = useRef(onMessage);
  handler.current = onMessage;
  useEffect(() => {
    const receive = (payload: Uint8Array, from?: RemoteParticipant, _kind?: unknown, about?: string) => {
      if (about === topic) handler.current(new TextDecoder().decode(payload), from);
    };
    room.on(RoomEvent.DataReceived, receive);
    return () => void room.off(RoomEvent.DataReceived, receive);
  }, [room, topic]);
  return useCallback(
    (text: string, { reliable, to }: SendOptions) =>
      room.localParticipant.publishData(new TextEncoder().encode(text), {
        reliable,
        topic,
        destinationIdentities: to,
      }),
    [room, topic],
  );
}
