import { type FormEvent, useState } from 'react';
import { Header } from '../app/Header';
import { publishes, type Role, ROLES, type RoomKind, type RoomQuery } from '../app/routes';
import { useCredentials } from '../auth/CredentialsProvider';
import { InsecureNotice } from '../auth/InsecureNotice';
import { decodeToken } from '../auth/jwt';
import { canSign } from '../auth/jwt';
import { SignInButton } from '../auth/SignInButton';
import { useT } from '../i18n/I18nProvider';
import { explainMediaError } from '../room/explain';
import type { DeviceChoice, JoinRequest } from '../room/session';
import { Icon } from '../ui/Icon';
import { Notice } from '../ui/Notice';
import { DeviceSelect } from './DeviceSelect';
import { PreviewPane } from './PreviewPane';
import { RolePicker } from './RolePicker';
import { playTestSound } from './testSound';
import { useDevices } from './useDevices';
import { usePreview } from './usePreview';

interface PreJoinProps {
  kind: RoomKind;
  roomName: string;
  query: RoomQuery;
  initialRole: Role;
  error: string | undefined;
  onJoin(request: JoinRequest): void;
}

const NAME_STORE = 'surecast.name';

function initialName(query: RoomQuery): string {
  const invited = query.token ? decodeToken(query.token)?.name : undefined;
  return query.name ?? (invited || localStorage.getItem(NAME_STORE) || '');
}

function useChoices({ kind, query, initialRole }: PreJoinProps) {
  const [name, setName] = useState(() => initialName(query));
  const [role, setRole] = useState(initialRole);
  const [cameraOn, setCamera] = useState(query.video);
  const [micOn, setMic] = useState(query.audio);
  const [devices, setDevices] = useState<DeviceChoice>({});
  const onAir = publishes(role);
  const withCamera = onAir && kind !== 'voice';
  const video = usePreview('camera', withCamera && cameraOn, devices.camera);
  const audio = usePreview('microphone', onAir && micOn, devices.microphone);
  return {
    name, setName, role, setRole, cameraOn, setCamera, micOn, setMic, devices, onAir, withCamera, video, audio,
    choose: (choice: DeviceChoice) => setDevices((all) => ({ ...all, ...choice })),
  };
}

export function PreJoin(props: PreJoinProps) {
  const t = useT();
  const { kind, roomName, query, error, onJoin } = props;
  const { keys } = useCredentials();
  const choices = useChoices(props);
  const { name, role, onAir, withCamera, cameraOn, micOn } = choices;
  const mayJoin = Boolean(query.token || (keys && canSign()));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    localStorage.setItem(NAME_STORE, name.trim());
    onJoin({
      kind, roomName, role,
      name: name.trim(),
      audio: onAir && micOn,
      video: withCamera && cameraOn,
      devices: choices.devices,
      singlePeerConnection: query.singlePeerConnection,
    });
  };
  return (
    <>
      <Header>{!query.token && <SignInButton />}</Header>
      <main className={`prejoin ${onAir ? '' : 'prejoin-narrow'}`}>
        {onAir && <DevicePane choices={choices} />}
        <form className="prejoin-form form" onSubmit={submit}>
          <div>
            <p className="eyebrow">{t(`kind.${kind}`)}</p>
            <h1>{roomName}</h1>
          </div>
          {error && <Notice tone="error" title={t('error.join.title', { room: roomName })}>{error}</Notice>}
          <InsecureNotice />
          {canSign() && !mayJoin && <SignInFirst />}
          <label className="field">
            <span>{t('prejoin.name')}</span>
            <input
              required
              autoFocus
              maxLength={64}
              data-testid="name-input"
              autoComplete="nickname"
              value={name}
              onChange={(e) => choices.setName(e.target.value)}
            />
            <small>{t('prejoin.name.hint')}</small>
          </label>
          {query.token && kind !== 'call' && <p className="hint">{t('prejoin.invited', { role: t(`role.${role}`) })}</p>}
          {!query.token && ROLES[kind].length > 1 && (
            <RolePicker roles={ROLES[kind]} role={role} onChange={choices.setRole} />
          )}
          {!onAir && <p className="hint">{kind === 'show' ? t('prejoin.watching') : t('prejoin.listening')}</p>}
          <button
            type="submit"
            className="button button-primary button-large"
            data-testid="join-button"
            disabled={!mayJoin || !name.trim()}
          >
            {t('prejoin.join')}
          </button>
        </form>
      </main>
    </>
  );
}

function SignInFirst() {
  const t = useT();
  return (
    <Notice tone="info" icon="key" title={t('signin.title')} action={<SignInButton />}>
      {t('signin.invited')}
    </Notice>
  );
}

function DevicePane({ choices }: { choices: ReturnType<typeof useChoices> }) {
  const t = useT();
  const { video, audio, devices, withCamera, choose } = choices;
  const lists = useDevices(video.track ?? audio.track);
  return (
    <section className="prejoin-devices">
      <PreviewPane
        name={choices.name}
        withCamera={withCamera}
        video={video.track}
        audio={audio.track}
        cameraOn={choices.cameraOn}
        micOn={choices.micOn}
        onCamera={choices.setCamera}
        onMic={choices.setMic}
      />
      {video.error !== undefined && <p className="field-error" role="alert">{explainMediaError(t, 'camera', video.error)}</p>}
      {audio.error !== undefined && (
        <p className="field-error" role="alert">{explainMediaError(t, 'microphone', audio.error)}</p>
      )}
      <div className="device-row">
        <DeviceSelect
          kind="microphone"
          devices={lists.microphone}
          value={devices.microphone}
          onChange={(microphone) => choose({ microphone })}
        />
        {withCamera && (
          <DeviceSelect
            kind="camera"
            devices={lists.camera}
            value={devices.camera}
            onChange={(camera) => choose({ camera })}
          />
        )}
        <div className="device-with-test">
          <DeviceSelect
            kind="speaker"
            devices={lists.speaker}
            value={devices.speaker}
            onChange={(speaker) => choose({ speaker })}
          />
          <button type="button" className="button button-small" onClick={() => void playTestSound(devices.speaker)}>
            <Icon name="speaker" size={16} />
            {t('prejoin.testSpeaker')}
          </button>
        </div>
      </div>
    </section>
  );
}
