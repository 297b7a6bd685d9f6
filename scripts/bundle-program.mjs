// Bundles the command line: `node scripts/bundle-program.mjs DIST` makes DIST/program/ of DIST/cli/main.js, for `scripts/setup.mjs`. A command
// starts sooner when its 500 modules are some 40 files. Packages stay outside. The program loads no code of its users, so none of theirs
// meets a second copy of a class.

import { isAbsolute, join, relative, sep } from 'node:path'
import { rolldown } from 'rolldown'

const dist = process.argv[2]

/** Each module still finds what lies beside it, such as the prompts, where it was compiled. */
const ownPlaces = {
  name: 'own-places',
  transform(code, id) {
    const place = relative(dist, id).split(sep).join('/')
    return code.replaceAll('import.meta.url', `new URL('../${place}', import.meta.url).href`)
  },
}

const bundle = await rolldown({
  input: join(dist, 'cli', 'main.js'),
  platform: 'node',
  external: id => !id.startsWith('.') && !isAbsolute(id),
  plugins: [ownPlaces],
})
await bundle.write({ dir: join(dist, 'program'), format: 'esm', comments: false })
await bundle.close()
