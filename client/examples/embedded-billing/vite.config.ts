import { join } from 'node:path'
import { defineConfig } from 'vite'

const parley = process.env['PARLEY_URL'] ?? 'http://localhost:3000'
const kit = join(import.meta.dirname, '..', '..', 'dist-kit')

/** Runs the example on an origin of its own, with the library as another app would have it: built. */
export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic' } },
  define: { PARLEY_URL: JSON.stringify(parley) },
  resolve: {
    alias: { 'parley-kit/style.css': join(kit, 'parley-kit.css'), 'parley-kit': join(kit, 'parley-kit.js') },
    dedupe: ['react', 'react-dom']
  },
  server: {
    port: 5174,
    strictPort: true,
    // Stands for the app's own server, which hands its users' session tokens to its pages.
    proxy: { '/sandbox/session': parley }
  }
})
