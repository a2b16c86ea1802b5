import { useEffect, useState } from 'react';
import { listRooms, type RoomSummary } from '../api/rooms';
import { ApiError } from '../api/twirp';
import { type ApiKeys, serviceToken } from '../auth/credentials';

export interface RoomsState {
  rooms?: RoomSummary[];
  error?: ApiError;
}

const INTERVAL_MS = 2000;
/** Tokens live ten minutes; signing a new one for every poll would be waste. */
const TOKEN_REUSE_MS = 5 * 60_000;

/** Polls the list of rooms while the page is visible. Keeps the last list on errors. */
export function useRooms(keys: ApiKeys | undefined): RoomsState {
  const [state, setState] = useState<RoomsState>({});
  useEffect(() => {
    if (!keys) return setState({});
    const poller = new Poller(keys, setState);
    return () => poller.stop();
  }, [keys]);
  return state;
}

class Poller {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;
  private token?: { value: string; madeAt: number };

  constructor(
    private readonly keys: ApiKeys,
    private readonly publish: (update: (state: RoomsState) => RoomsState) => void,
  ) {
    void this.poll();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async poll(): Promise<void> {
    if (!document.hidden) await this.refresh();
    if (!this.stopped) this.timer = setTimeout(() => void this.poll(), INTERVAL_MS);
  }

  private async refresh(): Promise<void> {
    try {
      const rooms = await listRooms(await this.currentToken());
      if (!this.stopped) this.publish(() => ({ rooms }));
    } catch (cause) {
      const error =
        cause instanceof ApiError ? cause : new ApiError('ListRooms', 0, 'internal', String(cause));
      if (!this.stopped) this.publish((state) => ({ ...state, error }));
    }
  }

  private async currentToken(): Promise<string> {
    const now = Date.now();
    if (!this.token || now - this.token.madeAt > TOKEN_REUSE_MS) {
      this.token = { value: await serviceToken(this.keys, { roomList: true }), madeAt: now };
    }
    return this.token.value;
  }
}
