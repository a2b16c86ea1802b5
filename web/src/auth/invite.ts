import { roomPath, type Role, type RoomKind } from '../app/routes';

/** Invite links. The token stands in the fragment: browsers never send it to a server. */

export interface InviteTarget {
  kind: RoomKind;
  room: string;
  role: Role;
}

/** Roles one may hand out; "host" is left out on purpose, an invite has limited rights. */
export const INVITABLE: Record<RoomKind, readonly Role[]> = {
  call: ['caller'],
  show: ['audience', 'cohost'],
  voice: ['speaker', 'listener'],
};

export function inviteLink(origin: string, target: InviteTarget, token?: string): string {
  const link = origin + roomPath(target.kind, target.room, target.role);
  return token ? `${link}#token=${token}` : link;
}
