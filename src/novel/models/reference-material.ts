/**
 * What a prompt takes from the references that a novel names: a few passages as examples of voice, and facts of their codices. Nothing else of them is read: their
 * scenes are no story so far, and their summaries are in no prompt of another novel.
 */
import { splitSentences } from '../../ai/text/sentences.ts'
import { detectEntries, type SearchedText } from '../codex/select-entries.ts'
import type { ToldEntry } from '../library/codex.ts'
import type { NamedReference, SceneOverview } from '../library/shelf.ts'
import { type Narration, narrationOf } from '../narration.ts'
import type { PromptLanguage } from '../prompts/prompts.ts'
import { type NovelServices, unlessFailed } from '../services.ts'
import type { LeftOutSource } from './blocks.ts'
import type { MaterialText } from './context.ts'

/** What is asked of the references of a novel. */
export interface ReferenceRequest {
  readonly novelId: string
  /** How the scene is told: passages that are told alike go first. Absent: no passages are read. */
  readonly manner?: Narration | undefined
  /** Of the prompt. */
  readonly language: PromptLanguage
  /** Where mentions of entries are searched. */
  readonly searched: readonly SearchedText[]
  /** The codex of the novel itself: what it has an entry of is not told from elsewhere. */
  readonly own: readonly Pick<ToldEntry, 'name' | 'aliases'>[]
}

/** What references give to a prompt. */
export interface ReferenceMaterial {
  readonly voice: readonly MaterialText[]
  readonly facts: readonly MaterialText[]
  readonly factsLeftOut: readonly LeftOutSource[]
}

interface Reader {
  readonly userId: string
  readonly services: Pick<NovelServices, 'library'>
}

type UsedReference = Pick<NamedReference, 'novelId'> & { readonly title: string }

/** Passages of all references together. */
const mostPassages = 6

/** Reads what the references of a novel give; nothing of one that is gone or unmarked. Throws NOVEL_NOT_FOUND. */
export async function readReferences(reader: Reader, request: ReferenceRequest): Promise<ReferenceMaterial> {
  const named = await reader.services.library.shelf.references(reader.userId, request.novelId)
  const used = named.flatMap(({ novelId, title = '', state }) =>
    state === 'used' ? [{ novelId, title }] : [],
  )
  if (used.length === 0) return { voice: [], facts: [], factsLeftOut: [] }
  const each = Math.floor(mostPassages / used.length)
  const read = await Promise.all(
    used.map(async reference => ({
      voice: await unlessFailed('NOVEL_NOT_FOUND', () => readVoice(reader, reference, { ...request, each })),
      facts: await unlessFailed('NOVEL_NOT_FOUND', () => readFacts(reader, reference, request)),
    })),
  )
  return {
    voice: inTurn(read.map(({ voice = [] }) => voice)),
    facts: inTurn(read.map(({ facts }) => facts?.told ?? [])),
    factsLeftOut: read.flatMap(({ facts }) => facts?.leftOut ?? []),
  }
}

/** Returns the first text of each reference, then the second of each, and so on: where the space is short, each is heard. */
function inTurn(texts: readonly (readonly MaterialText[])[]): readonly MaterialText[] {
  const most = Math.max(...texts.map(({ length }) => length))
  return Array.from({ length: most }, (_, at) => texts.flatMap(each => each[at] ?? [])).flat()
}

/** Returns words of a book with its title. */
function from(title: string, text: string, language: PromptLanguage): string {
  return language === 'zh' ? `出自《${title}》：${text}` : `From “${title}”: ${text}`
}

/** Stretches of a reference in which passages are looked for. */
const stretches = 12

async function readVoice(
  { userId, services }: Reader,
  { novelId, title }: UsedReference,
  { manner, language, each }: ReferenceRequest & { each: number },
): Promise<readonly MaterialText[]> {
  if (manner === undefined) return []
  const { shelf, scenes } = services.library
  const [usual, found] = await Promise.all([
    shelf.narration(userId, novelId),
    shelf.stretches(userId, novelId, stretches),
  ])
  const passages: MaterialText[] = []
  for (const { id, title: sceneTitle = '' } of chooseScenes(found, { usual, manner, most: each })) {
    const scene = await unlessFailed('SCENE_NOT_FOUND', () => scenes.scene(userId, id))
    const text = scene === undefined ? '' : passageOf(scene.content)
    if (text === '') continue
    const source = { of: 'scene', id, title: sceneTitle, reference: title } as const
    passages.push({ text: from(title, `\n${text}`, language), source })
  }
  return passages
}

/** Characters that a scene has at least to be an example. */
const leastCharacters = 200

/**
 * Returns the scenes of which passages are examples of voice: those that are told most like the scene to write, spread over the book, in reading order. What is
 * chosen depends on the book and on how the scene is told, and not on what happens in it, so that all scenes of a novel that are told alike are shown the same.
 */
export function chooseScenes(
  found: readonly (readonly SceneOverview[])[],
  { usual, manner, most }: { usual: Narration; manner: Narration; most: number },
): readonly SceneOverview[] {
  const rank = (scene: SceneOverview) => alikeness(narrationOf(scene.narration, usual), manner)
  const long = found.map(scenes => scenes.filter(({ characters }) => characters >= leastCharacters))
  const any = long.some(scenes => scenes.length > 0)
    ? long
    : found.map(all => all.filter(({ empty }) => !empty))
  const best = Math.max(...any.flat().map(rank))
  const alike = any.flatMap(scenes => scenes.filter(scene => rank(scene) === best))
  const ofStretches = any.flatMap(scenes => scenes.find(scene => rank(scene) === best) ?? [])
  const all = ofStretches.length >= most ? ofStretches : alike
  const count = Math.min(most, all.length)
  return Array.from({ length: count }, (_, at) => all[Math.floor(((at + 0.5) * all.length) / count)]).filter(
    scene => scene !== undefined,
  )
}

/** Returns how alike two scenes are told; what is not known is no difference, and no likeness. Whose view it is says nothing: it is another book. */
function alikeness(one: Narration, other: Narration): number {
  const compare = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined ? 0 : a === b ? 1 : -1
  return 2 * compare(one.pov, other.pov) + compare(one.tense, other.tense)
}

/** UTF-16 code units of a passage, where the writing has spaces and where it has none. */
const mostUnits = { spaced: 500, cjk: 200 } as const

/** Returns a passage of a text that is read as an example: whole sentences, from a third of it on. */
export function passageOf(text: string): string {
  const paragraphs = text.split('\n').flatMap(line => (/\p{L}/u.test(line) ? [line.trim()] : []))
  const from = Math.floor(paragraphs.length / 3)
  const most =
    mostUnits[/\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Hangul}/u.test(text) ? 'cjk' : 'spaced']
  const lines: string[] = []
  let left: number = most
  for (const paragraph of [...paragraphs.slice(from), ...paragraphs.slice(0, from)]) {
    // It does not go on behind the end of the text.
    if (lines.length > 0 && paragraph === paragraphs[0]) break
    const sentences: string[] = []
    for (const { start, end } of splitSentences(paragraph)) {
      if (end > left) break
      sentences.push(paragraph.slice(start, end))
    }
    const line = sentences.join('').trimEnd()
    if (line !== '') lines.push(line)
    left -= line.length
    if (line.length < paragraph.length) break
  }
  return lines.join('\n')
}

async function readFacts(
  { userId, services }: Reader,
  { novelId, title }: UsedReference,
  { language, searched, own }: ReferenceRequest,
): Promise<{ told: readonly MaterialText[]; leftOut: readonly LeftOutSource[] }> {
  const at = await services.library.codex.atPlace(userId, { endOf: novelId })
  // What another novel always tells is no fact of this one unless the scene names it.
  const entries = at.entries.map(entry =>
    entry.when === 'always' ? { ...entry, when: 'when-detected' as const } : entry,
  )
  const { others, leftOut } = detectEntries({ ...at, entries, texts: searched, language })
  const ownNames = new Set(own.flatMap(namesOf))
  const known = new Set(
    entries.filter(entry => namesOf(entry).some(name => ownNames.has(name))).map(({ id }) => id),
  )
  const sourceOf = ({ id, name }: { id: string; name: string }) =>
    ({ of: 'entry', id, title: name, reference: title }) as const
  return {
    told: others
      .filter(({ id }) => !known.has(id))
      .map(entry => ({
        ...{ text: from(title, entry.text, language), source: sourceOf(entry), reason: entry.reason },
      })),
    leftOut: [
      ...others
        .filter(({ id }) => known.has(id))
        .map(entry => ({ ...sourceOf(entry), reason: 'shared-name' as const })),
      ...leftOut.map(({ reason, ...entry }) => ({ ...sourceOf(entry), reason })),
    ],
  }
}

function namesOf({ name, aliases }: Pick<ToldEntry, 'name' | 'aliases'>): string[] {
  return [name, ...aliases].map(each => each.toLowerCase())
}
