import { useRoomContext } from '@livekit/components-react';
import { type LocalParticipant, type Participant, type RemoteParticipant, RoomEvent } from 'livekit-client';
import { useEffect, useReducer } from 'react';

/** Everybody in the room; renders again when anything visible about them changes. */

const EVENTS = [
  RoomEvent.ConnectionStateChanged,
  RoomEvent.SignalConnected,
  RoomEvent.Reconnected,
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.ParticipantAttributesChanged,
  RoomEvent.ParticipantPermissionsChanged,
  RoomEvent.TrackPublished,
  RoomEvent.TrackUnpublished,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
] as const;

export interface People {
  me: LocalParticipant;
  others: RemoteParticipant[];
  all: Participant[];
}

export function usePeople(): People {
  const room = useRoomContext();
  const [, render] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    for (const event of EVENTS) room.on(event, render);
    render();
    return () => {
      for (const event of EVENTS) room.off(event, render);
    };
  }, [room]);
  const others = [...room.remoteParticipants.values()];
  return { me: room.localParticipant, others, all: [room.localParticipant, ...others] };
}
