import type { Role } from '../app/routes';
import { useT } from '../i18n/I18nProvider';

interface RolePickerProps {
  roles: readonly Role[];
  role: Role;
  onChange(role: Role): void;
}

export function RolePicker({ roles, role, onChange }: RolePickerProps) {
  const t = useT();
  return (
    <fieldset className="roles" data-testid="role-select">
      <legend>{t('prejoin.role')}</legend>
      {roles.map((each) => (
        <label key={each} className="role">
          <input
            type="radio"
            name="role"
            value={each}
            data-testid={`role-${each}`}
            checked={each === role}
            onChange={() => onChange(each)}
          />
          <span className="role-body">
            <strong>{t(`role.${each}`)}</strong>
            <small>{t(`role.${each as Exclude<Role, 'caller'>}.text`)}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
