import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { broadcastMock } from './src/golive/mock/plugin.ts';
import { guaranteeMock } from './src/guarantee/mock/plugin.ts';

// The Rust server embeds dist/ and answers index.html for unknown paths, so assets
// are addressed from the root: a deep link such as /show/demo must still find them.
export default defineConfig(({ mode }) => ({
  base: '/',
  // `npm run dev -- --mode mock` works without a server, for the guarantee's pages and `/golive`.
  plugins: [react(), ...(mode === 'mock' ? [guaranteeMock(), broadcastMock()] : [])],
  build: {
    outDir: 'dist',
    target: 'es2022',
    // light-dark() has to reach the browser as it is: lowered, a nested `color-scheme`
    // (the dark theatre of a call) would no longer switch the inherited palette.
    cssTarget: ['chrome123', 'safari17.5', 'firefox120'],
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: {
      '/console/config.json': 'http://127.0.0.1:7880',
      '/guarantee/v1': 'http://127.0.0.1:7880',
      '/log': 'http://127.0.0.1:7880',
      '/status': 'http://127.0.0.1:7880',
      '/broadcast': 'http://127.0.0.1:7880',
      '/whep': 'http://127.0.0.1:7880',
      '/hls': 'http://127.0.0.1:7880',
      '/flv': 'http://127.0.0.1:7880',
      '/twirp': 'http://127.0.0.1:7880',
      '/guarantee': 'http://127.0.0.1:7880',
      '/rtc': { target: 'ws://127.0.0.1:7880', ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts', 'receipts/src/**/*.test.ts'] },
}));
