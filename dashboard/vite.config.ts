import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compiledTexts } from './build/compiled-texts.ts'
import { firstView } from './build/first-view.ts'
import { neededStyles } from './build/needed-styles.ts'
import { noCycles } from './build/no-cycles.ts'
import { shellClasses } from './build/shell-classes.ts'

/** While the pages are being worked on (`npx vite dashboard`), a server that runs answers the API. */
const api = {
  target: process.env['QUILLWORK_URL'] ?? 'http://127.0.0.1:7420',
  // It lets only pages of its own host change anything, so it has to see the one that the browser asked.
  changeOrigin: false,
}

/** Goes into files of those that need it. The threshold is in bytes. */
const shared = { minShareCount: 2, entriesAware: true, entriesAwareMergeThreshold: 14_000 }

export default defineConfig({
  plugins: [react(), compiledTexts(), shellClasses(), neededStyles(), noCycles(), firstView()],
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy lets nothing inline in.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      output: {
        chunkFileNames: ({ name }) => `assets/${name.replace(/~.*/, '')}-[hash].js`,
        codeSplitting: {
          groups: [
            { name: 'shell', tags: ['$initial'] },
            // What several pages share goes by who needs it, and little pieces together: a page takes some 15 files, and not 62. Packages are apart:
            // they need nothing of the pages, so that no two files need each other.
            { name: 'library', test: /\/node_modules\//, ...shared },
            { name: 'parts', ...shared },
          ],
        },
      },
    },
  },
  server: { proxy: { '/v1': api, '/healthz': api, '/readyz': api } },
})
