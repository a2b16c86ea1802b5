import type { Entry } from './stats';

/** As much of livekit-client's room as is needed, so that any version of it fits. */
export interface RoomLike {
  state: string;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  remoteParticipants: Map<string, { trackPublications: Map<string, PublicationLike> }>;
}

interface PublicationLike {
  isMuted: boolean;
  isEnabled?: boolean;
  track?: { mediaStreamTrack?: { id: string } };
}

interface Internals {
  engine?: { pcManager?: { publisher?: TransportLike; subscriber?: TransportLike } };
}

interface TransportLike {
  getStats?(): Promise<RTCStatsReport> | undefined;
}

/** The connections are internal to the SDK: with another version there may be no receipts, but the call goes on. */
export async function statsOf(room: RoomLike): Promise<Entry[][]> {
  const manager = (room as unknown as Internals).engine?.pcManager;
  const transports = [manager?.publisher, manager?.subscriber].filter((t): t is TransportLike => Boolean(t));
  const reports = await Promise.allSettled(transports.map((transport) => transport.getStats?.()));
  return reports.map((report) =>
    report.status === 'fulfilled' && report.value ? ([...report.value.values()] as Entry[]) : [],
  );
}

/** Media that was muted by its publisher, or turned off here, is not expected to flow. */
export function expectation(room: RoomLike): (track: string) => 'on' | 'off' {
  const off = new Set<string>();
  for (const person of room.remoteParticipants.values()) {
    for (const publication of person.trackPublications.values()) {
      const id = publication.track?.mediaStreamTrack?.id;
      if (id && (publication.isMuted || publication.isEnabled === false)) off.add(id);
    }
  }
  return (track) => (off.has(track) ? 'off' : 'on');
}
