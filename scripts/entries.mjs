// Makes DIST/entries/: `node scripts/entries.mjs DIST`, for `scripts/setup.mjs`. Node loads each entry of the package that needs optional
// packages through a file there, which says what to install where one is missing: an import that fails says only what is missing. A bundler
// takes the compiled module itself.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { root } from './setup.mjs'

/** Returns the packages that the compiled modules below an entry import before anything runs. */
function packagesOf(entry) {
  const seen = new Set([entry])
  const packages = new Set()
  // A set grows while it is walked.
  for (const file of seen) {
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) seen.add(resolve(dirname(file), name))
      else if (!name.startsWith('node:')) packages.add(packageOf(name))
    }
  }
  return packages
}

function importsOf(file) {
  const { statements } = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  return statements.flatMap(({ moduleSpecifier }) => moduleSpecifier?.text ?? [])
}

/** Returns the package of an import: `zod` of `zod/v4`, `@ai-sdk/openai` of itself. */
function packageOf(name) {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The entry files that package.json names, by the part of the package: `quillwork/http`. */
function entriesOf({ name, exports }) {
  return Object.entries(exports).flatMap(([place, conditions]) =>
    conditions.module === undefined ? [] : [[name + place.slice(1), conditions]],
  )
}

const dist = resolve(process.argv[2])
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const compiled = path => join(dist, relative('dist', path))

for (const [part, conditions] of entriesOf(manifest)) {
  const module = compiled(conditions.module)
  const needed = [...packagesOf(module)].filter(name => name in manifest.peerDependencies).sort()
  const names = Object.keys(await import(pathToFileURL(module).href))
  const file = compiled(conditions.default)
  const toModule = relative(dirname(file), module).split(sep).join('/')
  const lines = [
    "import { createRequire } from 'node:module'",
    "import { loadPart } from '../runtime/installed.js'",
    'const require = createRequire(import.meta.url)',
    `export const { ${names.join(', ')} } = loadPart(${JSON.stringify(part)}, ${JSON.stringify(needed)}, () => require(${JSON.stringify(toModule)}))`,
  ]
  if (!existsSync(dirname(file))) mkdirSync(dirname(file))
  writeFileSync(file, `${lines.join('\n')}\n`)
}
