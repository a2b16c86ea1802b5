import type { Plugin } from 'vite';
import { stream } from './streams.ts';

/** Answers `/broadcast/v1/streams/{room}` from made-up encoders; `/watch` finds nothing live. */
export function broadcastMock(): Plugin {
  return {
    name: 'broadcast-mock',
    configureServer(server) {
      server.middlewares.use((incoming, response, next) => {
        const url = new URL((incoming as unknown as { url?: string }).url ?? '/', 'http://mock');
        const send = (status: number, body: string, type: string) => {
          response.statusCode = status;
          response.setHeader('content-type', type);
          response.end(body);
        };
        const room = /^\/broadcast\/v1\/streams\/([^/]+)$/.exec(url.pathname)?.[1];
        if (url.pathname.startsWith('/twirp/')) return send(200, '{}', 'application/json');
        if (!room) return /^\/(whep|hls|flv)\//.test(url.pathname) ? send(404, 'nothing is live\n', 'text/plain') : next();
        const found = stream(decodeURIComponent(room), Date.now());
        return found ? send(200, JSON.stringify(found), 'application/json') : send(404, 'nothing is live\n', 'text/plain');
      });
    },
  };
}
