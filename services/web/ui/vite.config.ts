import { paraglideVitePlugin } from '@inlang/paraglide-js'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { budget } from './scripts/budget.js'
import { MANUAL, manual } from './scripts/manual.js'

/** Where `npm run dev` finds the running house: `cargo xtask run` prints its address. */
const house = process.env.PLENUM_URL ?? 'https://localhost:8443'

// `vite build --mode stories` builds the stories instead of the product (scripts/look.js).
export default defineConfig(({ mode }) => ({
  plugins: [
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      // The same as in `npm run messages`.
      strategy: ['globalVariable', 'baseLocale'],
    }),
    svelte({ extensions: ['.svelte', '.md'], preprocess: manual() }),
    mode !== 'stories' &&
      budget([
        { name: 'join page', limit: 100, modules: [] },
        { name: 'meeting room', limit: 200, modules: ['src/room/Room.svelte'] },
      ]),
  ],
  build: {
    target: ['chrome123', 'edge123', 'firefox128', 'safari17.5'],
    // The content security policy allows neither inline scripts nor data: URLs for them.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    assetsDir: 'assets',
    sourcemap: false,
    // Licence texts go along with what they are the licence of.
    license: { fileName: 'licenses.txt' },
    reportCompressedSize: false,
    ...(mode === 'stories' && { outDir: 'dist-stories', rolldownOptions: { input: 'stories.html' } }),
  },
  server: {
    fs: { allow: ['.', MANUAL] },
    proxy: {
      '/api': { target: house, secure: false, changeOrigin: true },
      '/ws': { target: house, secure: false, changeOrigin: true, ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    // A test compares colours with those of the tokens.
    css: { include: /tokens/ },
  },
}))
