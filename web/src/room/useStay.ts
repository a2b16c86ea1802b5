import { type DisconnectReason, RoomEvent } from 'livekit-client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { DEFAULT_ROLE, publishes, type RoomKind, type RoomQuery } from '../app/routes';
import { type ApiKeys, joinToken, serviceToken } from '../auth/credentials';
import { useCredentials } from '../auth/CredentialsProvider';
import { makeIdentity, randomSuffix } from '../auth/grants';
import { decodeToken } from '../auth/jwt';
import { useT } from '../i18n/I18nProvider';
import { useToast } from '../ui/toasts';
import { endingOf, type Ending, explainJoinError, explainMediaError, wasCancelled } from './explain';
import { closeSession, connectSession, createSession, type JoinRequest, type Session } from './session';

export type Stay =
  | { phase: 'prejoin'; error?: string }
  | { phase: 'inside'; session: Session }
  | { phase: 'ended'; ending: Ending };

async function tokenFor(request: JoinRequest, keys: ApiKeys | undefined, invite: string | undefined) {
  if (invite) return invite;
  if (!keys) throw new Error('no API key');
  const { kind, roomName, role, name } = request;
  const identity = makeIdentity(name, randomSuffix());
  return joinToken(keys, { kind, room: roomName, role, name, identity });
}

/** Rights over the room come from our own keys, or from an invite that carries them. */
function adminTokenFor(request: JoinRequest, keys: ApiKeys | undefined, invite: string | undefined) {
  if (invite) return decodeToken(invite)?.video.roomAdmin ? async () => invite : undefined;
  if (!keys || request.role !== 'host') return undefined;
  return () => serviceToken(keys, { roomAdmin: true, room: request.roomName });
}

/** The course of a visit: pre-join, inside (from the first packet on), ended. */
export function useStay(kind: RoomKind, roomName: string, query: RoomQuery) {
  const t = useT();
  const toast = useToast();
  const { keys } = useCredentials();
  const [stay, setStay] = useState<Stay>({ phase: 'prejoin' });
  const current = useRef<Session>(undefined);

  const join = useCallback(
    async (request: JoinRequest) => {
      const session = createSession(request, adminTokenFor(request, keys, query.token));
      current.current = session;
      session.room.on(RoomEvent.Disconnected, (reason?: DisconnectReason) => {
        // While connecting, the rejected connect() says more than this event.
        if (current.current !== session || !session.connected) return;
        session.quality.stop();
        setStay({ phase: 'ended', ending: endingOf(reason) });
      });
      setStay({ phase: 'inside', session });
      try {
        const token = await tokenFor(request, keys, query.token);
        const failures = await connectSession(session, token);
        for (const { device, cause } of failures) toast(explainMediaError(t, device, cause), 'error');
      } catch (error) {
        session.quality.stop();
        if (current.current !== session || wasCancelled(error)) return;
        setStay({ phase: 'prejoin', error: explainJoinError(t, error) });
      }
    },
    [keys, query.token, t, toast],
  );

  const leave = useCallback(() => {
    if (current.current) closeSession(current.current);
    setStay({ phase: 'ended', ending: 'left' });
  }, []);

  const again = useCallback(() => setStay({ phase: 'prejoin' }), []);

  useEffect(() => () => {
    if (current.current) closeSession(current.current);
    current.current = undefined;
  }, []);

  useAutojoin(kind, roomName, query, Boolean(keys || query.token), join);
  return { stay, join, leave, again };
}

/** `?autojoin=1&name=Alice` skips the pre-join page and takes the default devices. */
function useAutojoin(
  kind: RoomKind,
  roomName: string,
  query: RoomQuery,
  possible: boolean,
  join: (request: JoinRequest) => void,
) {
  const done = useRef(false);
  useEffect(() => {
    if (!query.autojoin || !possible || done.current) return;
    done.current = true;
    const role = query.role ?? DEFAULT_ROLE[kind];
    join({
      kind,
      roomName,
      role,
      name: query.name ?? '',
      audio: query.audio && publishes(role),
      video: query.video && publishes(role) && kind !== 'voice',
      devices: {},
      singlePeerConnection: query.singlePeerConnection,
    });
  }, [kind, roomName, query, possible, join]);
}
