// Writes dist/SOURCE.sha256: a hash over everything that dist/ is built from.
// page_test.go computes it again, so that a stale dist/ fails the tests.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

const ROOTS = ['.npmrc', 'build', 'index.html', 'package-lock.json', 'package.json', 'public', 'src', 'tsconfig.json', 'vite.config.ts']

function files(path: string): string[] {
  try {
    return readdirSync(path).flatMap((name) => files(`${path}/${name}`))
  } catch {
    return [path] // not a folder
  }
}

const hex = (data: Buffer | string) => createHash('sha256').update(data).digest('hex')

// hash is sha256 over one line "sha256  path" per file, in the order of the paths.
export function hash(): string {
  const paths = ROOTS.flatMap(files).sort((a, b) => (a < b ? -1 : 1))
  return hex(paths.map((path) => `${hex(readFileSync(path))}  ${path}\n`).join(''))
}

export function source(): Plugin {
  return {
    name: 'source-hash',
    apply: 'build',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'SOURCE.sha256', source: `${hash()}\n` })
    },
  }
}
