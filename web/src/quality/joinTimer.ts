import { type RemoteTrack, type Room, RoomEvent, Track, TrackEvent } from 'livekit-client';
import type { JoinMarks } from './joinTime';
import { peerConnections } from './peerConnections';

/** Takes the time of each phase of joining, from connect() to the first remote picture. */

/** The SDK does not announce its peer connections; this is how often we look for them. */
const LOOK_MS = 4;
const GIVE_UP_MS = 30_000;

export class JoinTimer {
  readonly marks: JoinMarks = { start: performance.now() };
  private readonly watched = new Set<RTCPeerConnection>();
  private look: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly room: Room,
    private readonly changed: () => void,
  ) {
    room.once(RoomEvent.SignalConnected, () => this.mark('signalConnected'));
    room.on(RoomEvent.TrackSubscribed, this.onTrack);
    this.look = setInterval(() => this.lookForConnections(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.look);
    this.room.off(RoomEvent.TrackSubscribed, this.onTrack);
  }

  /** Fallback of the sampler: requestVideoFrameCallback sleeps in background tabs. */
  sawDecodedFrames(): void {
    this.mark('firstFrame');
  }

  private mark(name: Exclude<keyof JoinMarks, 'start'>): void {
    if (this.marks[name] !== undefined) return;
    this.marks[name] = performance.now();
    this.changed();
  }

  private lookForConnections(): void {
    for (const pc of peerConnections(this.room)) if (!this.watched.has(pc)) this.watch(pc);
    const late = performance.now() - this.marks.start > GIVE_UP_MS;
    if (late || this.marks.dtlsConnected !== undefined) clearInterval(this.look);
  }

  private watch(pc: RTCPeerConnection): void {
    this.watched.add(pc);
    const read = () => {
      const ice = pc.iceConnectionState;
      if (ice === 'connected' || ice === 'completed') this.mark('iceConnected');
      // connectionState is 'connected' only when ICE and DTLS both are.
      if (pc.connectionState !== 'connected') return;
      this.mark('iceConnected');
      this.mark('dtlsConnected');
    };
    pc.addEventListener('iceconnectionstatechange', read);
    pc.addEventListener('connectionstatechange', read);
    read();
  }

  private readonly onTrack = (track: RemoteTrack): void => {
    if (track.kind !== Track.Kind.Video) return;
    this.mark('videoSubscribed');
    for (const element of track.attachedElements) this.awaitFrame(element);
    track.on(TrackEvent.ElementAttached, (element) => this.awaitFrame(element));
  };

  private awaitFrame(element: HTMLMediaElement): void {
    if (!(element instanceof HTMLVideoElement) || this.marks.firstFrame !== undefined) return;
    if ('requestVideoFrameCallback' in element) {
      element.requestVideoFrameCallback(() => this.mark('firstFrame'));
    } else {
      (element as HTMLVideoElement).addEventListener('loadeddata', () => this.mark('firstFrame'), { once: true });
    }
  }
}
