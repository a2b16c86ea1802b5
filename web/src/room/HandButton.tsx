import { useT } from '../i18n/I18nProvider';
import { useToast } from '../ui/toasts';
import { ControlButton } from './ControlBar';
import { HAND, handRaised } from './people';
import { usePeople } from './usePeople';

/** A raised hand is an attribute: late joiners see it too. */
export function HandButton() {
  const t = useT();
  const toast = useToast();
  const { me } = usePeople();
  const raised = handRaised(me);
  const toggle = () => {
    me.setAttributes({ [HAND]: raised ? '' : '1' }).catch((error: Error) => toast(error.message, 'error'));
  };
  return (
    <ControlButton
      icon="hand"
      label={t(raised ? 'control.lowerHand' : 'control.hand')}
      testId="hand-button"
      active={raised}
      onClick={toggle}
    />
  );
}
