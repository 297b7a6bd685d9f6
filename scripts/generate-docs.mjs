// Documents, and parts of documents, that are made from the code: `npm run docs` writes them,
// `npm run check` runs this with --check and fails when one is out of date.
//
// Each file in scripts/docs/ is one generator. It exports
//   into     the document's path from the root
//   region   optional: only the text between `<!-- generated: NAME -->` and `<!-- /generated: NAME -->` is made
//   render   () => string | Promise<string>: the text, read from the built package in dist/

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { filesUnder, root, setUp } from './setup.mjs'

/** The document as it stands, or undefined. */
function read(path) {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The whole document with the generated text in its place. */
function place(text, { into, region }) {
  if (region === undefined) return `${text.trim()}\n`
  const [open, close] = [`<!-- generated: ${region} -->`, `<!-- /generated: ${region} -->`]
  const document = documents.get(into) ?? ''
  const [start, end] = [document.indexOf(open), document.indexOf(close)]
  if (start < 0 || end < start)
    throw new Error(`${into} has no place for it: add the lines ${open} and ${close}`)
  return `${document.slice(0, start + open.length)}\n\n${text.trim()}\n\n${document.slice(end)}`
}

setUp()
const check = process.argv.includes('--check')
const generators = filesUnder(join(root, 'scripts', 'docs')).filter(path => path.endsWith('.mjs'))
const documents = new Map()
const before = new Map()
const wrong = []

for (const path of generators) {
  try {
    const generator = await import(pathToFileURL(join(root, path)).href)
    if (!documents.has(generator.into)) {
      before.set(generator.into, read(generator.into))
      documents.set(generator.into, before.get(generator.into))
    }
    documents.set(generator.into, place(await generator.render(), generator))
  } catch (error) {
    wrong.push(`${path}: ${error.message}`)
  }
}
for (const [path, text] of documents) {
  if (text === undefined || text === before.get(path)) continue
  if (check) {
    wrong.push(`${path} is out of date: run npm run docs`)
    continue
  }
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  console.log(`wrote ${path}`)
}
for (const line of wrong) console.error(line)
console.log(`${generators.length} generators, ${documents.size} documents, ${wrong.length} wrong`)
process.exitCode = wrong.length > 0 ? 1 : 0
