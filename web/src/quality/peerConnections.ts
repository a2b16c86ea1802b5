import type { Room } from 'livekit-client';
import type { StatsEntry } from './stats';

/**
 * The SDK's peer connections. They are internal to it, so every step is guarded: with
 * another SDK version the quality panel may stay empty, but a call must not fail.
 */

interface Transport {
  getStats?(): Promise<RTCStatsReport> | undefined;
  getConnectionState?(): RTCPeerConnectionState;
  getICEConnectionState?(): RTCIceConnectionState;
  _pc?: RTCPeerConnection | null;
}

interface Internals {
  engine?: { pcManager?: { publisher?: Transport; subscriber?: Transport } };
}

function transports(room: Room): Transport[] {
  const manager = (room as unknown as Internals).engine?.pcManager;
  return [manager?.publisher, manager?.subscriber].filter((t): t is Transport => Boolean(t));
}

export function peerConnections(room: Room): RTCPeerConnection[] {
  return transports(room)
    .map((transport) => transport._pc)
    .filter((pc): pc is RTCPeerConnection => pc instanceof RTCPeerConnection);
}

export async function collectStats(room: Room): Promise<StatsEntry[][]> {
  const reports = await Promise.allSettled(transports(room).map((transport) => transport.getStats?.()));
  return reports.map((report) =>
    report.status === 'fulfilled' && report.value ? [...report.value.values()] : [],
  );
}
