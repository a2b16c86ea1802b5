import { RoomAudioRenderer, RoomContext } from '@livekit/components-react';
import type { ReactNode } from 'react';
import type { Session } from './session';

/** Gives the views their room, and plays everybody's sound. */
export function RoomFrame({ session, children }: { session: Session; children: ReactNode }) {
  return (
    <RoomContext.Provider value={session.room}>
      {children}
      <RoomAudioRenderer />
    </RoomContext.Provider>
  );
}
