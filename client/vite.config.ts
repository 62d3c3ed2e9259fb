import { join } from 'node:path'
import { defineConfig } from 'vite'

const folder = import.meta.dirname

/**
 * Builds the web client, the page inside the widget's iframe, and the widget's script, which is the only file with a name
 * that stays: other sites link to it. PARLEY_API is where `vite dev` finds a running `npm start`.
 */
export default defineConfig({
  root: folder,
  // No plug-in: the compiler of Vite knows JSX.
  oxc: { jsx: { runtime: 'automatic' } },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ['/api', '/sandbox', '/widget/', '/billing/return'].map((path) => [path, process.env['PARLEY_API'] ?? 'http://localhost:3000'])
    )
  },
  build: {
    outDir: join(folder, 'dist'),
    target: 'es2023',
    // The first that know light-dark(): rewritten for older ones it would not follow the switch in the header.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // An inlined module preload script would need an exception in the Content-Security-Policy.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      // "use client" is for servers that render React; there is none here.
      onLog: (level, log, report) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log)
      },
      input: {
        index: join(folder, 'index.html'),
        widget: join(folder, 'widget.html'),
        'widget-loader': join(folder, 'src/widget/loader.ts')
      },
      output: {
        entryFileNames: ({ name }) => (name === 'widget-loader' ? 'widget.js' : 'assets/[name]-[hash].js')
      }
    }
  }
})
