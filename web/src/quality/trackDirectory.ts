import { type Participant, type Room, Track, type TrackPublication } from 'livekit-client';
import type { TrackInfo } from './tracks';

/** Looks up whose track a media stream track id belongs to. */
export function trackDirectory(room: Room): (trackId: string) => TrackInfo | undefined {
  const known = new Map<string, TrackInfo>();
  for (const participant of [room.localParticipant, ...room.remoteParticipants.values()]) {
    for (const publication of participant.trackPublications.values()) {
      const id = publication.track?.mediaStreamTrack?.id;
      if (id) known.set(id, infoOf(participant, publication));
    }
  }
  return (trackId) => known.get(trackId);
}

function infoOf(participant: Participant, publication: TrackPublication): TrackInfo {
  const screen =
    publication.source === Track.Source.ScreenShare || publication.source === Track.Source.ScreenShareAudio;
  const name = participant.name || participant.identity;
  return { label: screen ? `${name} ⧉` : name, publishedHeight: publication.dimensions?.height };
}
