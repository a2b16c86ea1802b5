import { fetchStatus } from '../api';
import { useData } from '../useData';

const EVERY_MS = 30_000;

/** The log as it is published, and how much is going on. */
export function useStatus() {
  return useData('status', fetchStatus, EVERY_MS);
}

/** Leaves of the log, as far as that is known. */
export function useLogSize(): number {
  return useStatus().value?.log.size ?? 0;
}
