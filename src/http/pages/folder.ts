import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { QuillworkError } from '../../task/errors.ts'

/** Which of the compressed files that a build made a client takes. */

/** A content coding. */
export type Encoding = 'br' | 'gzip'

/** The smaller one first. `suffix` ends the name of a file that is compressed with it. */
export const encodings: readonly { encoding: Encoding; suffix: string }[] = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
]

/**
 * The one of `available` that an Accept-Encoding header likes best, the first of equals; undefined: send the file as it is (RFC 9110
 * section 12.5.3). Without a header nothing is compressed, though anything would be allowed.
 */
export function chooseEncoding(
  header: string | undefined,
  available: Iterable<Encoding>,
): Encoding | undefined {
  const weights = weightsOf(header ?? '')
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
  const identity = weights.get('identity') ?? 0
  let best: Encoding | undefined
  for (const encoding of available) {
    const weight = weightOf(encoding)
    if (weight > 0 && weight >= identity && weight > (best === undefined ? 0 : weightOf(best)))
      best = encoding
  }
  return best
}

/** The weights of a header such as `br;q=0.8, gzip`; the first of several for one name. */
export function weightsOf(header: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
    if (name !== '' && !weights.has(name)) weights.set(name, weightIn(parameters))
  }
  return weights
}

/** 1 where none is given; 0 for one that is not a weight, so that what cannot be understood is not relied on. */
function weightIn(parameters: readonly string[]): number {
  const given = parameters.find(text => text.startsWith('q='))
  if (given === undefined) return 1
  return /^q=(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(given) ? Number(given.slice(2)) : 0
}

/** A file of the pages, with what is sent of it. */
export interface PageFile {
  readonly type: string
  /** The file as it is, and what the build compressed of it. */
  readonly content: Buffer
  readonly compressed: ReadonlyMap<Encoding, Buffer>
  /** Of the file as it is; the compressed ones add their encoding. */
  readonly tag: string
  /** Its name changes with its content. */
  readonly isImmutable: boolean
}

/** The pages as they were built. */
export interface PagesFolder {
  /** `index.html`, parted where the nonce of an answer goes. */
  readonly index: readonly string[]
  /** By their path in an address, such as `/assets/index-4f2a9c1b.js`. */
  readonly files: ReadonlyMap<string, PageFile>
  /** The topmost folders that hold them, such as `assets`: below one, nothing but files is there. */
  readonly folders: ReadonlySet<string>
}

/** Stands in `index.html` where the nonce of an answer goes. */
const noncePlace = '__CSP_NONCE__'
/** The built pages hold a few megabytes: another folder that was named by mistake is not read into memory. */
const largest = { bytes: 64 * 1_048_576, files: 2_000 }

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  gif: 'image/gif',
  ico: 'image/x-icon',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webmanifest: 'application/manifest+json; charset=utf-8',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
}

/**
 * Reads the built pages, whole and once: an answer never touches the file system, so no address leads out of the folder, and a build
 * that runs beside the server never mixes two versions. What is no plain file, such as a link, is left out, and so is what begins with a
 * dot. Undefined where there is no `index.html`. Throws CONFIG_INVALID for a folder that is too large to be the pages.
 */
export function readPages(folder: URL | string): PagesFolder | undefined {
  const root = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const contents = readFiles(root)
  const index = contents.get('/index.html')
  if (index === undefined) return undefined
  const files = new Map<string, PageFile>()
  for (const [name, content] of contents) {
    if (name !== '/index.html' && !isCompressed(name, contents))
      files.set(name, pageFile(name, content, contents))
  }
  return { index: index.toString().split(noncePlace), files, folders: foldersOf(files.keys()) }
}

/** By their path from the root, which begins with a slash. */
function readFiles(root: string): Map<string, Buffer> {
  const contents = new Map<string, Buffer>()
  let bytes = 0
  for (const name of namesBelow(root)) {
    const content = readFileSync(path.join(root, name))
    bytes += content.length
    contents.set(name, content)
    if (bytes > largest.bytes || contents.size > largest.files)
      throw new QuillworkError(
        'CONFIG_INVALID',
        `The folder of the pages, ${root}, holds too much to be the built pages.`,
      )
  }
  return contents
}

function* namesBelow(root: string, below = ''): Generator<string> {
  for (const entry of entriesOf(path.join(root, below))) {
    if (entry.name.startsWith('.')) continue
    const name = `${below}/${entry.name}`
    if (entry.isDirectory()) yield* namesBelow(root, name)
    else if (entry.isFile()) yield name
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // Not there, or not to be read: the pages were not built.
    return []
  }
}

/** Whether it is another file, compressed. */
function isCompressed(name: string, contents: ReadonlyMap<string, Buffer>): boolean {
  return encodings.some(({ suffix }) => name.endsWith(suffix) && contents.has(name.slice(0, -suffix.length)))
}

function pageFile(name: string, content: Buffer, contents: ReadonlyMap<string, Buffer>): PageFile {
  const compressed = encodings.flatMap(({ encoding, suffix }): [Encoding, Buffer][] => {
    const found = contents.get(name + suffix)
    return found === undefined ? [] : [[encoding, found]]
  })
  return {
    type: types[path.extname(name).slice(1).toLowerCase()] ?? 'application/octet-stream',
    content,
    compressed: new Map(compressed),
    tag: createHash('sha256').update(content).digest('base64url').slice(0, 22),
    isImmutable: name.startsWith('/assets/'),
  }
}

/** `assets` whether there is one or not. */
function foldersOf(names: Iterable<string>): Set<string> {
  const topmost = [...names].flatMap(name => /(?<=^\/)[^/]+(?=\/)/.exec(name) ?? [])
  return new Set(['assets', ...topmost])
}
