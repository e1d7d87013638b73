import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run web:dev` serves the client on a port of its own and passes requests on to a running server. */
const SERVER = 'http://127.0.0.1:3000';

// eslint-disable-next-line no-restricted-syntax -- Vite reads the default export
export default defineConfig({
  plugins: [react()],
  // Relative addresses also work behind a proxy that adds a prefix.
  base: './',
  server: {
    proxy: Object.fromEntries(
      ['/api', '/auth', '/storage', '/docs', '/web-config.json'].map((path) => [path, SERVER]),
    ),
  },
  build: { target: 'es2023', chunkSizeWarningLimit: 1_000 },
});
