import { ConnectionError, ConnectionErrorReason, DisconnectReason, MediaDeviceFailure } from 'livekit-client';
import type { Translate } from '../i18n/translate';

/** Puts the SDK's errors into words: what happened, where, and what to do. */

export function explainJoinError(t: Translate, error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error);
  const origin = window.location.origin;
  if (!(error instanceof ConnectionError)) return t('error.join.other', { detail });
  switch (error.reason) {
    case ConnectionErrorReason.NotAllowed:
      return t('error.join.denied', { detail });
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.WebSocket:
    case ConnectionErrorReason.Timeout:
      return t('error.join.unreachable', { origin });
    case ConnectionErrorReason.InternalError:
      return /(pc|publisher|subscriber) connection/i.test(detail)
        ? t('error.join.ice', { detail })
        : t('error.join.other', { detail });
    default:
      return t('error.join.other', { detail });
  }
}

export function wasCancelled(error: unknown): boolean {
  return error instanceof ConnectionError && error.reason === ConnectionErrorReason.Cancelled;
}

export function explainMediaError(t: Translate, device: 'camera' | 'microphone', error: unknown): string {
  const name = t(`device.${device}`);
  const detail = error instanceof Error ? error.message : String(error);
  const shown = document.documentElement.lang.startsWith('zh') ? name : name.toLowerCase();
  switch (MediaDeviceFailure.getFailure(error)) {
    case MediaDeviceFailure.PermissionDenied:
      return t('error.media.denied', { device: shown });
    case MediaDeviceFailure.NotFound:
      return t('error.media.missing', { device: shown });
    case MediaDeviceFailure.DeviceInUse:
      return t('error.media.busy', { device: shown });
    default:
      return t('error.media.other', { device: shown, detail });
  }
}

export type Ending = 'left' | 'duplicate' | 'removed' | 'closed' | 'lost';

export function endingOf(reason: DisconnectReason | undefined): Ending {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return 'left';
    case DisconnectReason.DUPLICATE_IDENTITY:
      return 'duplicate';
    case DisconnectReason.PARTICIPANT_REMOVED:
      return 'removed';
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return 'closed';
    default:
      return 'lost';
  }
}
