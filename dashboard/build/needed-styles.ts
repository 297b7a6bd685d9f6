import postcss from 'postcss'
import type { Plugin } from 'vite'

/** Names that the component library gives to its classes. */
const classNames = /m_[\da-f]+/g

/** Drops the styles of components that no page has: a program that uses a class names it. */
export function neededStyles(): Plugin {
  return {
    name: 'needed-styles',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const used = new Set<string>()
      for (const file of Object.values(bundle))
        if (file.type === 'chunk') for (const [name] of file.code.matchAll(classNames)) used.add(name)
      for (const file of Object.values(bundle))
        if (file.type === 'asset' && file.fileName.endsWith('.css'))
          file.source = withoutUnused(file.source.toString(), used)
    },
  }
}

function withoutUnused(css: string, used: ReadonlySet<string>): string {
  const root = postcss.parse(css)
  root.walkRules(rule => {
    const needed = rule.selectors.filter(selector =>
      [...selector.matchAll(classNames)].every(([name]) => used.has(name)),
    )
    if (needed.length === 0) rule.remove()
    else if (needed.length < rule.selectors.length) rule.selectors = needed
  })
  root.walkAtRules(rule => {
    if (rule.nodes?.length === 0) rule.remove()
  })
  return root.toString()
}
