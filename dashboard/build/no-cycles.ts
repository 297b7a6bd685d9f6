import type { Plugin } from 'vite'

/** Refuses files of the pages that import each other in a circle: one of them would begin before what it needs is there. */
export function noCycles(): Plugin {
  return {
    name: 'no-cycles',
    apply: 'build',
    generateBundle(_options, bundle) {
      const done = new Set<string>()
      const follow = (file: string, way: readonly string[]) => {
        if (way.includes(file))
          this.error(
            `Files of the pages import each other: ${[...way.slice(way.indexOf(file)), file].join(' -> ')}`,
          )
        const chunk = bundle[file]
        if (done.has(file) || chunk?.type !== 'chunk') return
        for (const next of chunk.imports) follow(next, [...way, file])
        done.add(file)
      }
      for (const file of Object.keys(bundle)) follow(file, [])
    },
  }
}
