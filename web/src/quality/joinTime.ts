/** The join time, split into the phases a WebRTC connection goes through. Pure. */

export type Phase = 'signalling' | 'ice' | 'dtls' | 'firstFrame';

/** Instants in ms of one clock. Each is missing until it is reached. */
export interface JoinMarks {
  start: number;
  signalConnected?: number;
  iceConnected?: number;
  dtlsConnected?: number;
  /** When there was first something to show: a subscribed remote video track. */
  videoSubscribed?: number;
  firstFrame?: number;
}

export interface PhaseSpan {
  phase: Phase;
  ms: number;
}

export interface JoinTime {
  spans: PhaseSpan[];
  totalMs: number;
  /** false when nobody was sending video yet: then the first frame says nothing about joining. */
  videoWasWaiting: boolean;
}

/** A video that shows up later than this after DTLS was published after we had joined. */
const WAITING_LIMIT_MS = 1500;

export function splitJoinTime(marks: JoinMarks): JoinTime {
  const spans: PhaseSpan[] = [];
  const videoWasWaiting = wasWaiting(marks);
  let from = marks.start;
  const add = (phase: Phase, until: number | undefined) => {
    if (until === undefined) return;
    // Peer connection and signalling work in parallel; a phase that ended before the
    // previous one did cost nothing on top.
    spans.push({ phase, ms: Math.max(0, until - from) });
    from = Math.max(from, until);
  };
  add('signalling', marks.signalConnected);
  add('ice', marks.iceConnected);
  add('dtls', marks.dtlsConnected);
  if (videoWasWaiting) add('firstFrame', marks.firstFrame);
  return { spans, totalMs: from - marks.start, videoWasWaiting };
}

function wasWaiting({ dtlsConnected, videoSubscribed }: JoinMarks): boolean {
  if (videoSubscribed === undefined || dtlsConnected === undefined) return false;
  return videoSubscribed - dtlsConnected < WAITING_LIMIT_MS;
}
