/**
 * Reads the lorebooks of other tools as entries of a codex: world info of SillyTavern (also the book of a character card), and lorebooks of
 * NovelAI. What an entry says and its keys are taken; what has no counterpart here is named, never guessed.
 */
import { QuillworkError } from '../../index.ts'
import { type CodexFields, codexBounds, newCodexEntry } from './entry.ts'

/** The formats that are read. */
export const lorebookFormats = ['sillytavern', 'novelai'] as const

/** A lorebook that was read. */
export interface Lorebook {
  readonly format: (typeof lorebookFormats)[number]
  readonly entries: readonly CodexFields[]
  /** Entries that are not taken, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
  /** Parts without a counterpart, each with the number of entries in which it says something; 0: of the book itself. */
  readonly ignored: readonly { readonly part: string; readonly entries: number }[]
}

type Fields = Readonly<Record<string, unknown>>

/** Reads a lorebook. Entries whose kind it does not tell are of `kind`. Throws LOREBOOK_INVALID. */
export function readLorebook(book: unknown, kind: CodexFields['kind'] = 'fact'): Lorebook {
  const { format, found, ofBook } = entriesOf(book)
  if (found.length > codexBounds.entries)
    throw invalid(`it has ${found.length} entries, and a codex has at most ${codexBounds.entries}`)
  const categories = categoriesOf(book)
  const entries: CodexFields[] = []
  const skipped: { name: string; reason: string }[] = []
  const ignored = new Map<string, number>(ofBook.map(part => [part, 0]))
  for (const [at, entry] of found.entries()) {
    const { fields, unread } = fieldsOf(entry, { kind, categories })
    const parsed = newCodexEntry.safeParse({ ...fields, name: fields.name || `Entry ${at + 1}` })
    const name = (fields.name || `Entry ${at + 1}`).slice(0, codexBounds.name)
    const [issue] = parsed.error?.issues ?? []
    if (parsed.success && parsed.data.text.trim() !== '') entries.push(parsed.data)
    else if (issue === undefined) skipped.push({ name, reason: 'it has no text' })
    else skipped.push({ name, reason: `${issue.path.join('.')}: ${issue.message}` })
    for (const part of unread) ignored.set(part, (ignored.get(part) ?? 0) + 1)
  }
  return {
    format,
    entries,
    skipped,
    ignored: [...ignored].map(([part, count]) => ({ part, entries: count })),
  }
}

/** Parts of a book that are read, or say nothing of what it tells. */
const partsOfBook = new Set('entries name lorebookVersion categories originalData'.split(' '))

function entriesOf(book: unknown) {
  if (!isFields(book)) throw invalid('it is not a JSON object')
  const { entries, lorebookVersion } = book
  const list = Array.isArray(entries) ? entries : isFields(entries) ? Object.values(entries) : undefined
  if (list === undefined) throw invalid('it has no entries')
  const found = list.filter(isFields)
  if (found.length < list.length) throw invalid('one of its entries is not an object')
  const format = lorebookVersion === undefined ? ('sillytavern' as const) : ('novelai' as const)
  const ofBook = Object.keys(book).filter(part => !partsOfBook.has(part) && saysSomething(part, book[part]))
  return { format, found, ofBook }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The names of the categories of NovelAI, by id. */
function categoriesOf(book: unknown): ReadonlyMap<string, string> {
  const list = isFields(book) && Array.isArray(book['categories']) ? book['categories'].filter(isFields) : []
  return new Map(list.map(({ id, name }) => [textOf(id), textOf(name)]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Parts that are read, in the words of each format. */
const readParts = new Set(
  'key keys comment name displayName content text constant forceActivation disable enabled caseSensitive case_sensitive category'.split(
    ' ',
  ),
)

/** Parts that number or sort, and change nothing of what is told. */
const inertParts = new Set(
  'uid id displayIndex display_index insertion_order order addMemo lastUpdatedAt extensions hidden automationId'.split(
    ' ',
  ),
)

/** The values with which a part says nothing, where they are not empty. */
const usualValues: Readonly<Record<string, readonly unknown[]>> = {
  selective: [true],
  selectiveLogic: [0],
  position: [0, 'before_char'],
  probability: [100],
  useProbability: [true],
  depth: [4],
  groupWeight: [100],
  searchRange: [1_000],
  contextConfig: [],
}

/** Whether a part has a value that is neither empty nor the usual one. */
function saysSomething(part: string, value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '' || value === 0) return false
  if (Array.isArray(value)) return value.length > 0
  if (part === 'contextConfig' || part === 'characterFilter') return false
  return !(usualValues[part]?.includes(value) ?? false)
}

interface Reading {
  kind: CodexFields['kind']
  categories: ReadonlyMap<string, string>
}

function fieldsOf(entry: Fields, { kind, categories }: Reading) {
  const all = [entry['key'], entry['keys']].flatMap(keys => (Array.isArray(keys) ? keys : []))
  const given = all.map(key => textOf(key).trim()).filter(key => key !== '')
  const keys = given.filter(key => !isPattern(key))
  const title = [entry['comment'], entry['name'], entry['displayName']]
    .map(textOf)
    .find(text => text.trim() !== '')
  const name = (title ?? keys[0] ?? '').trim()
  const aliases = [...new Set(keys)].filter(key => key.toLowerCase() !== name.toLowerCase())
  const isOff = entry['disable'] === true || entry['enabled'] === false
  const isAlways = entry['constant'] === true || entry['forceActivation'] === true
  const unread = Object.keys(entry).filter(
    part => !readParts.has(part) && !inertParts.has(part) && saysSomething(part, entry[part]),
  )
  return {
    fields: {
      name,
      aliases,
      kind: kindNamed(categories.get(textOf(entry['category']))) ?? kind,
      text: textOf(entry['content']) || textOf(entry['text']),
      when: isOff ? 'never' : isAlways ? 'always' : 'when-detected',
      matchCase: entry['caseSensitive'] === true || entry['case_sensitive'] === true,
    },
    unread: keys.length < given.length ? [...unread, 'keys that are patterns'] : unread,
  }
}

/** Whether a key is no name: a regular expression between slashes, or keys of NovelAI that must come together. */
function isPattern(key: string): boolean {
  return /^\/.+\/[a-z]*$/s.test(key) || / & /.test(key)
}

const kindWords: readonly (readonly [CodexFields['kind'], RegExp])[] = [
  ['person', /character|person|people|人物|角色/iu],
  ['place', /place|location|地点|场所/iu],
  ['thing', /item|object|thing|物品|道具/iu],
]

function kindNamed(category = ''): CodexFields['kind'] | undefined {
  return kindWords.find(([, words]) => words.test(category))?.[0]
}

function invalid(what: string): QuillworkError {
  return new QuillworkError(
    'LOREBOOK_INVALID',
    `The file cannot be read as a lorebook: ${what}. Export it again from SillyTavern (world info) or NovelAI (lorebook) as JSON.`,
  )
}
