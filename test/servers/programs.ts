import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'vite'
import { requireBuilt } from '../process/crash/built.ts'
import { makeFolder, removeFolder } from './process.ts'

const require = createRequire(import.meta.url)
const repository = fileURLToPath(new URL('../../', import.meta.url))
const dist = path.join(repository, 'dist')

/** What has a binary for this machine stays where npm put it. */
const native = 'better-sqlite3'

/** Stands for `bin/quillwork.js`, which finds the built program only in its own folder. */
const commandLine = 'virtual:quillwork'

/** Programs that the tests start, by their path below `test/`; `quillwork.js` is the command line. */
function programs(): Record<string, string> {
  const crash = readdirSync(path.join(repository, 'test/process/crash'))
    .filter(name => /^run-.*\.mjs$/.test(name) && name !== 'run-upgrade.mjs')
    .map(name => `process/crash/${name}`)
  const paths = [...crash, 'faults/process.mjs']
  const entries = paths.map(name => [name, path.join(repository, 'test', name)])
  return { 'quillwork.js': commandLine, ...Object.fromEntries(entries) }
}

/**
 * Puts the programs that tests start, with the built package and all that it imports, into few files: their processes start in half of the
 * time of the processor. A module still finds what lies beside it in the repository. Returns the folder; `quillwork.js` takes the arguments of
 * `bin/quillwork.js`.
 */
export async function bundlePrograms(): Promise<{ url: string; stop: () => Promise<void> }> {
  requireBuilt()
  const folder = makeFolder('programs')
  // Other users run them too.
  chmodSync(folder, 0o755)
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  await build({
    configFile: false,
    envFile: false,
    logLevel: 'error',
    plugins: [inPlace],
    ssr: { noExternal: true },
    build: {
      ssr: true,
      target: 'node20',
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { input: programs(), output: { entryFileNames: '[name]' } },
    },
  })
  return { url: folder, stop: async () => removeFolder(folder) }
}

const exported = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')).exports as Record<
  string,
  string | { module?: string; default: string }
>

/**
 * Finds the package itself by what it exports, as bundlers do (its `default` loads the compiled modules when it runs: a second copy of each, whose
 * errors are no errors of the first), and leaves to each module the address that it has in place.
 */
const inPlace: Plugin = {
  name: 'quillwork-in-place',
  enforce: 'pre',
  resolveId(id) {
    if (id === commandLine) return id
    if (id === native) return { id: pathToFileURL(require.resolve(id)).href, external: true }
    const entry = /^quillwork(?=\/|$)/.test(id) ? exported[id.replace('quillwork', '.')] : undefined
    return typeof entry === 'object' ? path.join(repository, entry.module ?? entry.default) : undefined
  },
  load: id =>
    id === commandLine
      ? `import { main } from ${JSON.stringify(path.join(dist, 'cli/main.js'))}\nprocess.exitCode = await main(process.argv.slice(2))`
      : undefined,
  transform: (code, id) =>
    id.startsWith(dist)
      ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
      : undefined,
}
