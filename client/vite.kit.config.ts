import { join } from 'node:path'
import { defineConfig } from 'vite'

const folder = import.meta.dirname

/**
 * Builds the components that another React app can mount, as one ES module and one style sheet. React is the app's own: two of
 * them on a page do not work together.
 */
export default defineConfig({
  root: folder,
  oxc: { jsx: { runtime: 'automatic' } },
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    outDir: join(folder, 'dist-kit'),
    target: 'es2023',
    // The first that know light-dark(): rewritten for older ones it would not follow the colour scheme of a provider.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    copyPublicDir: false,
    lib: { entry: join(folder, 'src/kit/parley-kit.ts'), formats: ['es'], fileName: () => 'parley-kit.js', cssFileName: 'parley-kit' },
    rolldownOptions: {
      external: [/^react($|\/)/, /^react-dom($|\/)/],
      // "use client" is for servers that render React; there is none here.
      onLog: (level, log, report) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log)
      }
    }
  }
})
