import { useRoomContext } from '@livekit/components-react';
import { type Participant, RoomEvent } from 'livekit-client';
import { useCallback, useEffect, useState } from 'react';
import { setCanPublish } from '../api/rooms';
import { useT } from '../i18n/I18nProvider';
import { useToast } from '../ui/toasts';
import { HAND, nameOf } from './people';
import type { Session } from './session';
import { useDataMessages } from './useDataMessages';

/**
 * Who may publish. A host changes the grant through the API. Everybody else on stage can
 * only ask: the wish goes to the hosts in a data message, and one of them decides.
 */

export interface StageWish {
  identity: string;
  name: string;
  by: string;
}

const TOPIC = 'stage-wish';

export function useStageControl(session: Session) {
  const t = useT();
  const toast = useToast();
  const room = useRoomContext();
  const [wishes, setWishes] = useState<StageWish[]>([]);
  const { adminToken, request } = session;

  const drop = useCallback(
    (identity: string) => setWishes((all) => all.filter((wish) => wish.identity !== identity)),
    [],
  );
  const send = useDataMessages(TOPIC, (identity, from) => {
    const person = room.remoteParticipants.get(identity);
    if (!adminToken || !person) return;
    const wish = { identity, name: nameOf(person), by: from ? nameOf(from) : '?' };
    setWishes((all) => [...all.filter((each) => each.identity !== identity), wish]);
  });
  const change = async (identity: string, allow: boolean) => {
    if (!adminToken) return;
    drop(identity);
    try {
      await setCanPublish(await adminToken(), request.roomName, identity, allow);
    } catch (error) {
      toast(t('show.stageFailed', { reason: (error as Error).message }), 'error');
    }
  };
  const ask = async (person: Participant) => {
    const hosts = [...room.remoteParticipants.values()].filter((p) => p.attributes.role === 'host');
    await send(person.identity, { reliable: true, to: hosts.map((host) => host.identity) });
    toast(t('show.asked', { name: nameOf(person) }));
  };
  return { isAdmin: Boolean(adminToken), wishes, drop, change, ask };
}

/** Tells when our own right to publish was given or taken. */
export function usePromotion(onChange: (allowed: boolean) => void): void {
  const room = useRoomContext();
  useEffect(() => {
    const me = room.localParticipant;
    const listen = (before: typeof me.permissions, person: Participant) => {
      if (person !== me || before?.canPublish === me.permissions?.canPublish) return;
      const allowed = Boolean(me.permissions?.canPublish);
      // The raised hand has had its answer.
      if (me.attributes[HAND]) void me.setAttributes({ [HAND]: '' }).catch(() => undefined);
      if (!allowed) void stopPublishing(me);
      onChange(allowed);
    };
    room.on(RoomEvent.ParticipantPermissionsChanged, listen);
    return () => void room.off(RoomEvent.ParticipantPermissionsChanged, listen);
  }, [room, onChange]);
}

async function stopPublishing(me: ReturnType<typeof useRoomContext>['localParticipant']): Promise<void> {
  for (const publication of [...me.trackPublications.values()]) {
    if (publication.track) await me.unpublishTrack(publication.track).catch(() => undefined);
  }
}
