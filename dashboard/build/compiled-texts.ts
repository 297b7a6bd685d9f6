import compile from 'icu-minify/compile'
import type { Plugin } from 'vite'

type Texts = { readonly [key: string]: string | Texts }

/** Reads the texts while the pages are built, so that no browser has to: what formats them is a third of what also reads them. */
export function compiledTexts(): Plugin {
  return {
    name: 'compiled-texts',
    enforce: 'pre',
    config: () => ({
      resolve: { alias: { 'use-intl/format-message': 'use-intl/format-message/format-only' } },
    }),
    transform(text, id) {
      if (!/\/src\/text\/[a-z]+\/[\w-]+\.json$/.test(id)) return undefined
      return { code: JSON.stringify(compiled(JSON.parse(text) as Texts)), map: null }
    },
  }
}

function compiled(texts: Texts): object {
  return Object.fromEntries(
    Object.entries(texts).map(([key, value]) => [
      key,
      typeof value === 'string' ? compile(value) : compiled(value),
    ]),
  )
}
