import type { Plugin } from 'vite'

const name = '\0shell-classes'

/** Gives the shell the names of classes that it takes from `react-remove-scroll`, without the rest of it, which comes with the first dialog. */
export function shellClasses(): Plugin {
  return {
    name: 'shell-classes',
    apply: 'build',
    enforce: 'pre',
    resolveId: (source, importer) => {
      if (source === name) return name
      return source === 'react-remove-scroll' && /\/AppShell\//.test(importer ?? '') ? name : undefined
    },
    load: id =>
      id === name
        ? "import { zeroRightClassName } from 'react-remove-scroll-bar/constants'\nexport const RemoveScroll = { classNames: { zeroRight: zeroRightClassName } }"
        : undefined,
  }
}
