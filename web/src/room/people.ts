import { type Participant, Track } from 'livekit-client';
import type { Role } from '../app/routes';

/** What the views need to know about a participant. */

export const HAND = 'hand';

export function nameOf(participant: Participant): string {
  return participant.name || participant.identity || '?';
}

/** Who may publish is on stage (or has a seat), whatever they joined as. */
export function onStage(participant: Participant): boolean {
  const allowed = participant.permissions?.canPublish;
  if (allowed !== undefined) return allowed;
  // Before the join answer nothing is known about ourselves: then nobody is on stage yet.
  const { role } = participant.attributes;
  return Boolean(role) && role !== 'audience' && role !== 'listener';
}

export function handRaised(participant: Participant): boolean {
  return Boolean(participant.attributes[HAND]);
}

/** The role as it is now: a viewer who was invited on stage is a guest there. */
export function roleOf(participant: Participant): Role | 'guest' | undefined {
  const role = participant.attributes.role as Role | undefined;
  return onStage(participant) && (role === 'audience' || role === 'listener') ? 'guest' : role;
}

export function micOpen(participant: Participant): boolean {
  const publication = participant.getTrackPublication(Track.Source.Microphone);
  return Boolean(publication && !publication.isMuted);
}

const RANK: Record<string, number> = { host: 0, cohost: 1, speaker: 1, guest: 2 };

/** Host first, then by time of joining: tiles must not jump around. */
export function byRank(a: Participant, b: Participant): number {
  const rank = (p: Participant) => RANK[roleOf(p) ?? ''] ?? 3;
  return rank(a) - rank(b) || (a.joinedAt?.getTime() ?? 0) - (b.joinedAt?.getTime() ?? 0);
}
