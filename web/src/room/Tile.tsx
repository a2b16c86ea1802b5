import { useIsSpeaking, VideoTrack } from '@livekit/components-react';
import { type Participant, Track, type TrackPublication } from 'livekit-client';
import { useT } from '../i18n/I18nProvider';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { micOpen, nameOf } from './people';

interface TileProps {
  participant: Participant;
  source?: Track.Source.Camera | Track.Source.ScreenShare;
  className?: string;
  /** Small tiles have no name plate. */
  plain?: boolean;
  children?: React.ReactNode;
}

/** A participant's picture, or their avatar, with name and microphone state. */
export function Tile({ participant, source = Track.Source.Camera, className = '', plain, children }: TileProps) {
  const speaking = useIsSpeaking(participant);
  const publication = visiblePublication(participant, source);
  const screen = source === Track.Source.ScreenShare;
  return (
    <figure
      className={`tile ${speaking && !screen ? 'tile-speaking' : ''} ${className}`}
      data-identity={participant.identity}
      data-source={source}
    >
      {publication ? (
        <TileVideo participant={participant} publication={publication} screen={screen} />
      ) : (
        <Avatar name={nameOf(participant)} seed={participant.identity} />
      )}
      {!plain && <NamePlate participant={participant} screen={screen} />}
      {children}
    </figure>
  );
}

export function visiblePublication(participant: Participant, source: Track.Source): TrackPublication | undefined {
  const publication = participant.getTrackPublication(source);
  return publication && !publication.isMuted && publication.track ? publication : undefined;
}

interface TileVideoProps {
  participant: Participant;
  publication: TrackPublication;
  screen: boolean;
}

function TileVideo({ participant, publication, screen }: TileVideoProps) {
  const mirrored = participant.isLocal && !screen;
  return (
    <VideoTrack
      trackRef={{ participant, publication, source: publication.source }}
      className={`tile-video ${screen ? 'tile-video-screen' : ''} ${mirrored ? 'mirrored' : ''}`}
      data-testid={participant.isLocal ? 'local-video' : 'remote-video'}
      playsInline
    />
  );
}

function NamePlate({ participant, screen }: { participant: Participant; screen: boolean }) {
  const t = useT();
  const name = nameOf(participant);
  const open = micOpen(participant);
  return (
    <figcaption className="name-plate">
      {!open && !screen && (
        <span className="name-plate-mic" title={t('room.noMic')}>
          <Icon name="micOff" size={15} />
        </span>
      )}
      <span>{screen ? t('room.sharing', { name }) : participant.isLocal ? t('room.youNamed', { name }) : name}</span>
    </figcaption>
  );
}
