// Serves the test page and livekit-client's own bundle on http://127.0.0.1,
// which browsers treat as a secure origin.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const FILES = {
  '/': '../page/index.html',
  '/client.js': '../page/client.js',
  '/wish.js': '../page/wish.js',
  '/loudness.js': '../page/loudness.js',
  '/hls': '../page/hls.html',
  '/hls-page.js': '../page/hls-page.js',
  '/hls.js': '../node_modules/hls.js/dist/hls.min.js',
  '/shaka.js': '../node_modules/shaka-player/dist/shaka-player.compiled.js',
  '/mpegts.js': '../node_modules/mpegts.js/dist/mpegts.js',
  '/livekit-client.js': '../node_modules/livekit-client/dist/livekit-client.umd.js',
};
const TYPES = { '.html': 'text/html', '.js': 'text/javascript' };

/** Starts the page server; returns its address and a function that closes it. */
export async function servePages() {
  const server = createServer(async (request, response) => {
    const file = FILES[new URL(request.url, 'http://page').pathname];
    if (!file) return response.writeHead(404).end();
    const body = await readFile(new URL(file, import.meta.url));
    response.writeHead(200, { 'content-type': `${TYPES[extname(file)]}; charset=utf-8` }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
