import type { Plugin } from 'vite';
import { answer } from './server.ts';

const CONFIG = { version: '0.1.0-mock', dev: true, apiKey: 'devkey', apiSecret: 'secret' };

/** What is used of Node's request; the console has no types of Node. */
interface Incoming {
  url?: string;
  method?: string;
  headers: { authorization?: string };
  on(event: 'data' | 'end', listener: (chunk: unknown) => void): void;
}

/** Answers `/guarantee/v1` and the console's configuration from a made-up server. */
export function guaranteeMock(): Plugin {
  return {
    name: 'guarantee-mock',
    configureServer(server) {
      server.middlewares.use((incoming, response, next) => {
        const request = incoming as unknown as Incoming;
        const url = new URL(request.url ?? '/', 'http://mock');
        const send = (status: number, body: unknown, type = 'application/json') => {
          response.statusCode = status;
          response.setHeader('content-type', type);
          response.end(type === 'application/json' ? JSON.stringify(body) : String(body));
        };
        if (url.pathname === '/console/config.json') return send(200, CONFIG);
        if (!url.pathname.startsWith('/guarantee/v1/')) return next();
        let text = '';
        request.on('data', (chunk: unknown) => {
          text += String(chunk);
        });
        request.on('end', () => {
          const { role, name } = claims(request.headers.authorization);
          const path = url.pathname.slice('/guarantee/v1'.length);
          const body: unknown = text ? JSON.parse(text) : undefined;
          const answered = answer({ method: request.method ?? 'GET', path, query: url.searchParams, body, role, name });
          send(answered.status, answered.body, answered.type);
        });
      });
    },
  };
}

/** Believes every token: there is nothing to protect. */
function claims(authorization = ''): { role: string; name: string } {
  const payload = authorization.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/');
  if (!payload) return { role: '', name: '' };
  const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
  const read = JSON.parse(new TextDecoder().decode(bytes)) as { name: string; guarantee?: { role: string } };
  return { role: read.guarantee?.role ?? '', name: read.name };
}
