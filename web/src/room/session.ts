import { Room, type RoomOptions } from 'livekit-client';
import { type Receipt, type Receipts, startReceipts, verifyCountersignature } from '../../receipts/src';
import type { Role, RoomKind } from '../app/routes';
import { QualityMonitor } from '../quality/monitor';
import type { Sample } from '../quality/stats';

/** One stay in one room: the SDK's room, its measurement, and what the user chose. */

export interface DeviceChoice {
  camera?: string;
  microphone?: string;
  speaker?: string;
}

export interface JoinRequest {
  kind: RoomKind;
  roomName: string;
  role: Role;
  name: string;
  audio: boolean;
  video: boolean;
  devices: DeviceChoice;
  singlePeerConnection: boolean;
}

export interface Session {
  room: Room;
  quality: QualityMonitor;
  request: JoinRequest;
  /** What this browser tells the server's log of the stay, once it connects. */
  receipts?: Receipts;
  /** Signs API calls about this room; undefined when we are no admin of it. */
  adminToken?: () => Promise<string>;
  /** Set once connect() succeeded. */
  connected: boolean;
}

export interface MediaFailure {
  device: 'camera' | 'microphone';
  cause: unknown;
}

declare global {
  interface Window {
    /** For debugging and browser tests: the current room and its last samples. */
    __surecast?: {
      room: Room;
      readonly stats: readonly Sample[];
      readonly receipts: readonly Receipt[];
      verifyCountersignature: typeof verifyCountersignature;
    };
  }
}

function roomOptions({ devices, singlePeerConnection }: JoinRequest): RoomOptions {
  return {
    adaptiveStream: true,
    dynacast: true,
    ...(singlePeerConnection ? {} : { singlePeerConnection: false }),
    videoCaptureDefaults: devices.camera ? { deviceId: devices.camera } : {},
    audioCaptureDefaults: devices.microphone ? { deviceId: devices.microphone } : {},
    audioOutput: devices.speaker ? { deviceId: devices.speaker } : {},
  };
}

/** The media server answers on the console's own origin. */
export function serverUrl(): string {
  return window.location.origin.replace(/^http/, 'ws');
}

export function createSession(request: JoinRequest, adminToken: Session['adminToken']): Session {
  const room = new Room(roomOptions(request));
  const quality = new QualityMonitor(room);
  const session: Session = { room, quality, request, adminToken, connected: false };
  window.__surecast = {
    room,
    get stats() {
      return quality.getState().samples;
    },
    get receipts() {
      return session.receipts?.kept ?? [];
    },
    verifyCountersignature,
  };
  return session;
}

/** Connects, then publishes. Devices that fail do not undo the join; they are reported. */
export async function connectSession(session: Session, token: string): Promise<MediaFailure[]> {
  const { room, request } = session;
  session.receipts = startReceipts(room, {
    url: serverUrl(),
    token: () => latestToken(room) ?? token,
    // Receipts are the user's, and a stay goes on without them: a server may keep no log.
    onError: (error) => console.debug('no receipt:', error.message),
  });
  await room.connect(serverUrl(), token);
  session.connected = true;
  const me = room.localParticipant;
  if (request.name && me.name !== request.name && me.permissions?.canUpdateMetadata) {
    // An invite link does not know the guest's name.
    await me.setName(request.name).catch(() => undefined);
  }
  return me.permissions?.canPublish === false ? [] : publishDevices(room, request.audio, request.video);
}

/** The server renews the token of a long stay; the SDK keeps it to itself. */
function latestToken(room: Room): string | undefined {
  return (room as unknown as { engine?: { token?: string } }).engine?.token;
}

export async function publishDevices(room: Room, audio: boolean, video: boolean): Promise<MediaFailure[]> {
  const me = room.localParticipant;
  const failures: MediaFailure[] = [];
  const attempt = async (device: MediaFailure['device'], enable: () => Promise<unknown>) => {
    try {
      await enable();
    } catch (cause) {
      failures.push({ device, cause });
    }
  };
  await Promise.all([
    audio && attempt('microphone', () => me.setMicrophoneEnabled(true)),
    video && attempt('camera', () => me.setCameraEnabled(true)),
  ]);
  return failures;
}

export function closeSession(session: Session): void {
  session.quality.stop();
  void session.receipts?.stop();
  void session.room.disconnect();
}
