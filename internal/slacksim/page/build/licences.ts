// Writes dist/LICENSES.txt: the licence text of every package whose code is in
// the page. The list comes from the bundle itself, so none can be forgotten.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

// folderOf finds the package that a module belongs to.
function folderOf(module: string): string | null {
  const path = module.replace(/^\0/, '').split('?')[0]!
  if (!path.includes('/node_modules/')) return null
  for (let folder = dirname(path); folder.includes('/node_modules/'); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version) return folder
  }
  return null
}

function entry(folder: string): [string, string] {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f))
  if (!license) throw new Error(`${name} names no licence`)
  const text = file ? readFileSync(join(folder, file), 'utf8').replace(/\r\n/g, '\n').trim() : `Licence as named by the package: ${license}`
  return [`${name}@${version}`, `${name} ${version} (${license})\n\n${text}\n`]
}

export function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle(_, bundle) {
      const folders = new Set<string>()
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue
        for (const module of chunk.moduleIds) {
          const folder = folderOf(module)
          if (folder) folders.add(folder)
        }
      }
      const texts = new Map([...folders].map(entry))
      const sorted = [...texts.keys()].sort().map((key) => texts.get(key)!)
      const head = 'The page contains code of these packages.\n'
      this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source: [head, ...sorted].join(`\n${'-'.repeat(78)}\n\n`) })
    },
  }
}
