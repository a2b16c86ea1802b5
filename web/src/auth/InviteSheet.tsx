import { useCallback, useEffect, useState } from 'react';
import { type Role, type RoomKind } from '../app/routes';
import { useT } from '../i18n/I18nProvider';
import { Icon } from '../ui/Icon';
import { Notice } from '../ui/Notice';
import { QrCode } from '../ui/QrCode';
import { Sheet } from '../ui/Sheet';
import { joinToken } from './credentials';
import { useCredentials } from './CredentialsProvider';
import { makeIdentity, randomSuffix } from './grants';
import { INVITABLE, inviteLink } from './invite';
import { SignInButton } from './SignInButton';

interface InviteProps {
  kind: RoomKind;
  room: string;
  onClose(): void;
}

/** One freshly signed link for one guest. */
function useInvite(kind: RoomKind, room: string, role: Role) {
  const { keys } = useCredentials();
  const [link, setLink] = useState<string>();
  const renew = useCallback(() => {
    if (!keys) return;
    const who = { kind, room, role, name: '', identity: makeIdentity('', randomSuffix()) };
    joinToken(keys, who).then(
      (token) => setLink(inviteLink(window.location.origin, { kind, room, role }, token)),
      () => setLink(inviteLink(window.location.origin, { kind, room, role })),
    );
  }, [keys, kind, room, role]);
  useEffect(renew, [renew]);
  return { link, renew, allowed: Boolean(keys) };
}

export function InviteSheet({ kind, room, onClose }: InviteProps) {
  const t = useT();
  const roles = INVITABLE[kind];
  const [role, setRole] = useState<Role>(roles[0] ?? 'caller');
  const { link, renew, allowed } = useInvite(kind, room, role);
  return (
    <Sheet title={t('invite.title', { room })} onClose={onClose}>
      {allowed ? (
        <div className="form">
          {roles.length > 1 && <RoleTabs roles={roles} role={role} onChange={setRole} />}
          {link && <LinkAndCode link={link} />}
          <p className="hint">{t('invite.note', { role: t(`role.${role}`) })}</p>
          <button type="button" className="button" onClick={renew}>
            <Icon name="plus" size={18} />
            {t('invite.another')}
          </button>
        </div>
      ) : (
        <Notice tone="info" icon="key" title={t('invite.noKeys')} action={<SignInButton primary />}>
          {t('invite.noKeys.text')}
        </Notice>
      )}
    </Sheet>
  );
}

interface RoleTabsProps {
  roles: readonly Role[];
  role: Role;
  onChange(role: Role): void;
}

function RoleTabs({ roles, role, onChange }: RoleTabsProps) {
  const t = useT();
  return (
    <fieldset className="segments">
      <legend>{t('invite.role')}</legend>
      {roles.map((each) => (
        <label key={each} className="segment">
          <input type="radio" name="invite-role" checked={each === role} onChange={() => onChange(each)} />
          <span>{t(`role.${each}`)}</span>
        </label>
      ))}
    </fieldset>
  );
}

function LinkAndCode({ link }: { link: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [link]);
  const copy = () => void navigator.clipboard?.writeText(link).then(() => setCopied(true));
  return (
    <div className="invite">
      <figure className="invite-code">
        <QrCode text={link} label={t('invite.qr')} />
        <figcaption>{t('invite.scan')}</figcaption>
      </figure>
      <div className="invite-link">
        <label className="field">
          <span>{t('invite.link')}</span>
          <textarea
            readOnly
            rows={6}
            value={link}
            data-testid="invite-link"
            onFocus={(e) => e.target.select()}
          />
        </label>
        <button type="button" className="button button-primary" onClick={copy}>
          <Icon name={copied ? 'check' : 'copy'} size={18} />
          {copied ? t('invite.copied') : t('invite.copy')}
        </button>
      </div>
    </div>
  );
}
