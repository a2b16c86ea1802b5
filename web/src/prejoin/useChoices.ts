import { useState } from 'react';
import { publishes, type Role, type RoomKind, type RoomQuery } from '../app/routes';
import { decodeToken } from '../auth/jwt';
import type { DeviceChoice, JoinRequest } from '../room/session';
import { usePreview } from './usePreview';

/** Everything one decides before joining, and the previews that follow from it. */

export type Choices = ReturnType<typeof useChoices>;

const NAME_STORE = 'surecast.name';

function initialName(query: RoomQuery): string {
  const invited = query.token ? decodeToken(query.token)?.name : undefined;
  return query.name ?? (invited || localStorage.getItem(NAME_STORE) || '');
}

export function useChoices(kind: RoomKind, query: RoomQuery, initialRole: Role) {
  const [name, setName] = useState(() => initialName(query));
  const [role, setRole] = useState(initialRole);
  const [cameraOn, setCamera] = useState(query.video);
  const [micOn, setMic] = useState(query.audio);
  const [devices, setDevices] = useState<DeviceChoice>({});
  const onAir = publishes(role);
  const withCamera = onAir && kind !== 'voice';
  const video = usePreview('camera', withCamera && cameraOn, devices.camera);
  const audio = usePreview('microphone', onAir && micOn, devices.microphone);
  const choose = (choice: DeviceChoice) => setDevices((all) => ({ ...all, ...choice }));
  return {
    name, setName, role, setRole, cameraOn, setCamera, micOn, setMic,
    devices, choose, onAir, withCamera, video, audio,
  };
}

export function toRequest(choices: Choices, kind: RoomKind, roomName: string, query: RoomQuery): JoinRequest {
  const name = choices.name.trim();
  localStorage.setItem(NAME_STORE, name);
  return {
    kind,
    roomName,
    role: choices.role,
    name,
    audio: choices.onAir && choices.micOn,
    video: choices.withCamera && choices.cameraOn,
    devices: choices.devices,
    singlePeerConnection: query.singlePeerConnection,
  };
}
