// The weight of the pages, kept by the build: it fails when a page grows past its budget.

import { gzipSync } from 'node:zlib'

const KIB = 1024

/** @param {Record<string, import('vite').Rolldown.OutputChunk | import('vite').Rolldown.OutputAsset>} bundle */
function closure(bundle, /** @type {string[]} */ roots) {
  const seen = new Set()
  const visit = (/** @type {string} */ name) => {
    const chunk = bundle[name]
    if (seen.has(name) || chunk?.type !== 'chunk') return
    seen.add(name)
    chunk.imports.forEach(visit)
  }
  roots.forEach(visit)
  return seen
}

/**
 * @param {{ name: string, limit: number, modules: string[] }[]} pages `limit` in KiB of gzipped JavaScript;
 *   `modules` end the ids of the lazily loaded modules that a page needs beside the entry.
 * @returns {import('vite').Plugin}
 */
export function budget(pages) {
  return {
    name: 'plenum-budget',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
        const entries = chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName)
        for (const { name, limit, modules } of pages) {
          const lazy = modules.map((module) => {
            const chunk = chunks.find((chunk) => chunk.moduleIds.some((id) => id.endsWith(module)))
            if (!chunk) throw new Error(`budget: no chunk holds ${module}`)
            return chunk.fileName
          })
          let bytes = 0
          for (const file of closure(bundle, [...entries, ...lazy])) {
            const chunk = bundle[file]
            if (chunk?.type === 'chunk') bytes += gzipSync(chunk.code, { level: 9 }).length
          }
          const line = `${name}: ${(bytes / KIB).toFixed(1)} KiB of JavaScript, gzipped (budget ${limit} KiB)`
          if (bytes > limit * KIB) this.error(`over budget: ${line}`)
          process.stdout.write(`${line}\n`)
        }
      },
    },
  }
}
