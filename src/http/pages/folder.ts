import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { QuillworkError } from '../../task/errors.ts'

/** A content coding. */
export type Encoding = 'br' | 'gzip'

/** The content codings of the build, the smaller one first. `suffix` ends the name of a compressed file. */
const encodings: readonly { encoding: Encoding; suffix: string }[] = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
]

/**
 * Returns the one of `available` that an Accept-Encoding header prefers, the first of equals; undefined: send the file uncompressed (RFC
 * 9110 section 12.5.3). Without a header nothing is compressed, though anything would be allowed.
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

/** Returns the weights of a header such as `br;q=0.8, gzip`; the first of several for one name. */
export function weightsOf(header: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
    if (name !== '' && !weights.has(name)) weights.set(name, weightIn(parameters))
  }
  return weights
}

/** Returns 1 where no weight is given, and 0 for an invalid one. */
function weightIn(parameters: readonly string[]): number {
  const given = parameters.find(text => text.startsWith('q='))
  if (given === undefined) return 1
  return /^q=(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(given) ? Number(given.slice(2)) : 0
}

/** A file of the pages, with what is sent with it. */
export interface PageFile {
  readonly type: string
  /** The file, and below the compressed ones of the build. */
  readonly content: Buffer
  readonly compressed: ReadonlyMap<Encoding, Buffer>
  /** Entity tag of the uncompressed file; compressed ones add their encoding. */
  readonly tag: string
  /** Whether its name changes with its content. */
  readonly isImmutable: boolean
}

/** The pages as they were built. */
export interface PagesFolder {
  /** `index.html`, split where the nonce of a response goes. */
  readonly index: readonly string[]
  /** By path, such as `/assets/index-4f2a9c1b.js`. */
  readonly files: ReadonlyMap<string, PageFile>
  /** The top folders of the files, such as `assets`. Below them are only files. */
  readonly folders: ReadonlySet<string>
}

/** Stands in `index.html` where the nonce of a response goes. */
const noncePlace = '__CSP_NONCE__'
/** The built pages hold a few megabytes. A larger folder that was named by mistake is not read into memory. */
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
 * Returns the built pages, read whole and once: no request reads the file system, so no address leads out of the folder, and a build that
 * runs beside the server never mixes two versions. Leaves out links and other files that are not plain, and names that begin with a dot.
 * Undefined where there is no `index.html`. Throws CONFIG_INVALID for a folder that is too large to hold the pages.
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

/** Returns the files by their path from the root, which begins with a slash. */
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
    // Missing or unreadable: the pages were not built.
    return []
  }
}

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

/** Returns the top folders, always with `assets`. */
function foldersOf(names: Iterable<string>): Set<string> {
  const topmost = [...names].flatMap(name => /(?<=^\/)[^/]+(?=\/)/.exec(name) ?? [])
  return new Set(['assets', ...topmost])
}
