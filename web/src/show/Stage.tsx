import { type Participant, Track } from 'livekit-client';
import { useT } from '../i18n/I18nProvider';
import { Tile, visiblePublication } from '../room/Tile';
import { Icon } from '../ui/Icon';

const MAX_ON_STAGE = 4;

/** Up to four performers in a grid; a shared screen takes the middle. */
export function Stage({ performers }: { performers: Participant[] }) {
  const shown = performers.slice(0, MAX_ON_STAGE);
  const sharing = shown.find((person) => visiblePublication(person, Track.Source.ScreenShare));
  if (shown.length === 0) return <EmptyStage />;
  return (
    <div className={`stage ${sharing ? 'stage-sharing' : `stage-${shown.length}`}`} data-testid="stage">
      {sharing && <Tile participant={sharing} source={Track.Source.ScreenShare} className="stage-screen" />}
      {sharing ? (
        <div className="stage-strip">{shown.map(tileOf)}</div>
      ) : (
        shown.map(tileOf)
      )}
    </div>
  );
}

const tileOf = (person: Participant) => <Tile key={person.identity} participant={person} />;

function EmptyStage() {
  const t = useT();
  return (
    <div className="stage-empty">
      <span className="pulse"><Icon name="live" size={34} /></span>
      <h2>{t('show.waiting')}</h2>
      <p>{t('show.waiting.text')}</p>
    </div>
  );
}
