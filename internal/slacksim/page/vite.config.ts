// One page in few files with plain names, so that a diff of dist/ stays readable.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { licences } from './build/licences.ts'
import { source } from './build/source.ts'

export default defineConfig({
  plugins: [react(), licences(), source()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    rollupOptions: {
      output: {
        entryFileNames: 'page.js',
        // "lib" is what charts and Markdown share.
        chunkFileNames: (chunk) => (chunk.name === 'lib' ? 'markdown-parser.js' : `${chunk.name.toLowerCase()}.js`),
        assetFileNames: (asset) => (asset.names[0] === 'index.css' ? 'page.css' : (asset.names[0] ?? 'asset').toLowerCase()),
      },
    },
  },
})
