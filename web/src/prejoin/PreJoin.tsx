import type { FormEvent, ReactNode } from 'react';
import { Header } from '../app/Header';
import { type Role, ROLES, type RoomKind, type RoomQuery } from '../app/routes';
import { useCredentials } from '../auth/CredentialsProvider';
import { InsecureNotice } from '../auth/InsecureNotice';
import { canSign } from '../auth/jwt';
import { SignInButton } from '../auth/SignInButton';
import { useT } from '../i18n/I18nProvider';
import type { JoinRequest } from '../room/session';
import { Notice } from '../ui/Notice';
import { DevicePane } from './DevicePane';
import { RolePicker } from './RolePicker';
import { type Choices, toRequest, useChoices } from './useChoices';

interface PreJoinProps {
  kind: RoomKind;
  roomName: string;
  query: RoomQuery;
  initialRole: Role;
  error: string | undefined;
  onJoin(request: JoinRequest): void;
}

export function PreJoin({ kind, roomName, query, initialRole, error, onJoin }: PreJoinProps) {
  const t = useT();
  const { keys } = useCredentials();
  const choices = useChoices(kind, query, initialRole);
  const mayJoin = Boolean(query.token || (keys && canSign()));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onJoin(toRequest(choices, kind, roomName, query));
  };
  return (
    <>
      <Header>{!query.token && <SignInButton />}</Header>
      <main className={`prejoin ${choices.onAir ? '' : 'prejoin-narrow'}`}>
        {choices.onAir && <DevicePane choices={choices} />}
        <form className="prejoin-form form" onSubmit={submit}>
          <div>
            <p className="eyebrow">{t(`kind.${kind}`)}</p>
            <h1>{roomName}</h1>
          </div>
          {error && <Notice tone="error" title={t('error.join.title', { room: roomName })}>{error}</Notice>}
          <InsecureNotice />
          {canSign() && !mayJoin && <SignInFirst />}
          <NameField choices={choices} />
          <RoleChoice kind={kind} invited={Boolean(query.token)} choices={choices} />
          <button
            type="submit"
            className="button button-primary button-large"
            data-testid="join-button"
            disabled={!mayJoin || !choices.name.trim()}
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

function NameField({ choices }: { choices: Choices }) {
  const t = useT();
  return (
    <label className="field">
      <span>{t('prejoin.name')}</span>
      <input
        required
        autoFocus
        maxLength={64}
        data-testid="name-input"
        autoComplete="nickname"
        value={choices.name}
        onChange={(e) => choices.setName(e.target.value)}
      />
      <small>{t('prejoin.name.hint')}</small>
    </label>
  );
}

interface RoleChoiceProps {
  kind: RoomKind;
  /** An invite fixes the role: the token carries it. */
  invited: boolean;
  choices: Choices;
}

function RoleChoice({ kind, invited, choices }: RoleChoiceProps): ReactNode {
  const t = useT();
  const { role, setRole, onAir } = choices;
  return (
    <>
      {invited && kind !== 'call' && <p className="hint">{t('prejoin.invited', { role: t(`role.${role}`) })}</p>}
      {!invited && ROLES[kind].length > 1 && <RolePicker roles={ROLES[kind]} role={role} onChange={setRole} />}
      {!onAir && <p className="hint">{t(kind === 'show' ? 'prejoin.watching' : 'prejoin.listening')}</p>}
    </>
  );
}
