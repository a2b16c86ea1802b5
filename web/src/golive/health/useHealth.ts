import { useEffect, useState } from 'react';
import { type Publishing, listPublishing } from '../../api/rooms';
import { type ApiKeys, serviceToken } from '../../auth/credentials';
import { append, type History, NO_HISTORY } from './history';
import { parseStream, type Stream } from './stream';

/** How the stream of a room is doing, once a second. */

export type Health =
  | { state: 'loading' | 'waiting'; history: History }
  | { state: 'live' | 'gone'; history: History; stream?: Stream }
  /** Somebody publishes by WebRTC: the room knows, the encoders' list does not. */
  | { state: 'webrtc'; history: History; publishing: Publishing; viewers: number }
  /** `status` 0: no answer at all. */
  | { state: 'failed'; history: History; status: number; detail: string };

const INTERVAL_MS = 1000;
/** As for the list of rooms. */
const TOKEN_REUSE_MS = 5 * 60_000;

export function useHealth(room: string, keys: ApiKeys): Health {
  const [health, setHealth] = useState<Health>({ state: 'loading', history: NO_HISTORY });
  useEffect(() => {
    const poller = new Poller(room, keys, setHealth);
    return () => poller.stop();
  }, [room, keys]);
  return health;
}

class Poller {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;
  private history = NO_HISTORY;
  private token?: { value: string; madeAt: number };

  constructor(
    private readonly room: string,
    private readonly keys: ApiKeys,
    private readonly publish: (health: Health) => void,
  ) {
    void this.poll();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async poll(): Promise<void> {
    const began = Date.now();
    if (!document.hidden) {
      const health = await this.ask().catch((cause: unknown): Health => this.failed(0, String(cause)));
      if (!this.stopped) this.publish(health);
    }
    const rest = Math.max(0, INTERVAL_MS - (Date.now() - began));
    if (!this.stopped) this.timer = setTimeout(() => void this.poll(), rest);
  }

  private async ask(): Promise<Health> {
    const token = await this.currentToken();
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`/broadcast/v1/streams/${encodeURIComponent(this.room)}`, { headers });
    if (answer.status === 404) return this.nothing(token, 0);
    if (!answer.ok) return this.failed(answer.status, await answer.text());
    const stream = parseStream(await answer.json().catch(() => undefined));
    if (stream.encoders.length === 0) return this.nothing(token, stream.viewers);
    this.history = append(this.history, stream, Date.now());
    return { state: 'live', history: this.history, stream };
  }

  /** No encoder comes in by frames; one may by WebRTC. */
  private async nothing(token: string, viewers: number): Promise<Health> {
    this.history = { samples: this.history.samples };
    const { history } = this;
    const [publishing] = await listPublishing(token, this.room).catch(() => []);
    if (publishing) return { state: 'webrtc', history, publishing, viewers };
    return { state: history.samples.length > 0 ? 'gone' : 'waiting', history };
  }

  private failed(status: number, detail: string): Health {
    return { state: 'failed', history: this.history, status, detail: detail.trim().slice(0, 200) };
  }

  private async currentToken(): Promise<string> {
    const now = Date.now();
    if (!this.token || now - this.token.madeAt > TOKEN_REUSE_MS) {
      const value = await serviceToken(this.keys, { roomAdmin: true, room: this.room });
      this.token = { value, madeAt: now };
    }
    return this.token.value;
  }
}
