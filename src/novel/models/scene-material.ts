import { defined } from '../../task/defined.ts'
import { mentionFinder } from '../codex/find-mentions.ts'
import { type DetectedEntries, detectEntries, type SearchedText } from '../codex/select-entries.ts'
import type { ToldEntry } from '../library/codex.ts'
import type { NovelSearch, PassageHit } from '../library/passage-index.ts'
import type { SceneText, StoryPlace } from '../library/shelf.ts'
import { findNames } from '../names.ts'
import { hasSameView, type Narration, narrationOf } from '../narration.ts'
import type { PromptLanguage } from '../prompts/prompts.ts'
import type { Degraded, QueryVectors } from '../search-novel.ts'
import type { NovelServices } from '../services.ts'
import { selectThreads } from '../threads/select-threads.ts'
import type { BlockSource, LeftOutSource, PassagesBy, WhyLeftOut } from './blocks.ts'
import { type Material, onlyCodex } from './context.ts'
import { readReferences } from './reference-material.ts'
import { storySoFar } from './story-so-far.ts'

/** The reader of a scene's surroundings. */
export interface MaterialReader {
  readonly userId: string
  readonly services: NovelServices
  readonly signal: AbortSignal
  /** Makes vectors of queries. Default: none are asked for, and passages are chosen by words. */
  readonly vectorOf?: QueryVectors
}

/** A request for the surroundings of a scene. */
export interface MaterialRequest {
  readonly novelId: string
  /** What it comes before: a scene, or the end of the novel. */
  readonly before: StoryPlace
  /** The subject of the scene, by which passages are searched. */
  readonly about: string
  /** What the author says of the scene: entries of the codex are told that it mentions. */
  readonly said: readonly SearchedText[]
  /** How the scene is told: texts of another point of view are left out. */
  readonly manner?: Narration | undefined
  /** Of the prompt. */
  readonly language: PromptLanguage
  /** Most tokens of the material. */
  readonly tokens: number
  /** Number of scenes right before it whose text may be used. */
  readonly scenesBefore: number
  /** Whether passages of references are read as examples of voice. Default: they are. */
  readonly showsVoice?: boolean
}

/** Most code units of a token, on average. */
const unitsPerToken = 5
const mostUnits = 400_000
/** Passages that are searched, and used. */
const searched = 20
const mostPassages = 6
/** Code units in which names are searched. */
const namesIn = 40_000
/** Code units right before the scene in which the codex looks for mentions. */
const mentionsIn = 4_000

/** Material with the names of all entries of the codex, in the prompt or not. */
export interface SceneMaterial extends Material {
  readonly entryNames: readonly string[]
  /** Absent where no passages are searched. */
  readonly passageSearch?: PassageSearch
}

/** How passages were chosen: by words, or by words and by what they mean. */
export interface PassageSearch {
  readonly by: PassagesBy
  /** Id of the model that made the vectors of the index. */
  readonly model?: string
  /** Why words alone were used although the index has vectors, or that it has none. */
  readonly degraded?: Degraded | NoVectors
}

/** The index of the novel has no vectors, or there is none; or nobody asked for the vector of the scene. */
export interface NoVectors {
  readonly reason: 'no-index' | 'no-vectors' | 'not-asked'
}

/** Reads the material of a prompt from the novel around a scene. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND. */
export async function readMaterial(reader: MaterialReader, request: MaterialRequest): Promise<SceneMaterial> {
  const { texts, otherView, place, entries, searched, detected: codex } = await detectCodex(reader, request)
  const entryNames = entries.flatMap(({ name, aliases }) => [name, ...aliases])
  // What is always in the prompt does not depend on the number of tokens.
  if (request.tokens === 0) return { ...onlyCodex(codex), entryNames }
  const read = new Set(texts.map(scene => scene.id))
  const { novelId, before, language, manner = {}, showsVoice = true } = request
  const references = await readReferences(reader, {
    ...{ novelId, language, searched, own: entries },
    ...(showsVoice && { manner }),
  })
  const threads = selectThreads(
    await reader.services.library.threads.atPlace(reader.userId, before),
    request.language,
  )
  const story = await storySoFar(reader, { novelId, before, chapter: place[0], without: read })
  const near = await nearPassages(reader, {
    ...request,
    without: read,
    listsLater: typeof before === 'string',
  })
  const shown = [...near.passages.map(({ text }) => text), ...texts.map(({ content }) => content)]
  const around = [...shown, ...story.told.map(({ text }) => text)]
  const { people, places } = findNames([request.about, around.join('\n').slice(0, namesIn)])
  return {
    codex,
    entryNames,
    passageSearch: near.search,
    threads: threads.told,
    referenceVoice: references.voice,
    referenceFacts: references.facts,
    textBefore: texts.map(scene => ({ text: scene.content, source: sourceOf(scene) })),
    chapterSummaries: story.told,
    passages: near.passages.map(({ hit, text }) => ({
      text: `${hit.chapterTitle}: ${text}`,
      source: passageSource(hit),
      by: near.search.by,
    })),
    names: namesWithoutEntry([...people, ...places], entries, codex).map(name => ({
      text: name,
      source: { of: 'name', id: name, title: name },
    })),
    leftOut: {
      threads: threads.leftOut,
      referenceFacts: references.factsLeftOut,
      textBefore: otherView.map(scene => ({ ...sourceOf(scene), reason: 'other-view' })),
      chapterSummaries: story.leftOut,
      passages: near.leftOut,
    },
  }
}

function sourceOf({ id, title = '' }: SceneText): BlockSource {
  return { of: 'scene', id, title }
}

function passageSource({ sceneId: id, chapterTitle: title, passage: span }: PassageHit): BlockSource {
  return { of: 'scene', id, title, span }
}

/** The request for the codex alone. */
type CodexMaterialRequest = Pick<
  MaterialRequest,
  'before' | 'language' | 'manner' | 'said' | 'scenesBefore' | 'tokens'
>

/** The texts before a scene, and the codex that was read beside them. */
async function detectCodex(reader: MaterialReader, request: CodexMaterialRequest) {
  const { before, said, language, tokens } = request
  const [{ texts, otherView }, at] = await Promise.all([
    tokens === 0 ? { texts: [], otherView: [] } : textsBefore(reader, request),
    reader.services.library.codex.atPlace(reader.userId, before),
  ])
  const end = texts[0]?.content.trimEnd().slice(-mentionsIn) ?? ''
  const searched: readonly SearchedText[] = [...said, { from: 'textBefore', text: end }]
  const detected = detectEntries({ ...at, texts: searched, language })
  return { texts, otherView, place: at.place, entries: at.entries, searched, detected }
}

/** Returns names that were found in the text, without those that the codex tells of, and those that it is never to tell. */
function namesWithoutEntry(
  names: readonly string[],
  entries: readonly ToldEntry[],
  { always, others, leftOut }: DetectedEntries,
): string[] {
  const silent = leftOut.filter(({ reason }) => reason === 'never' || reason === 'barred')
  const ids = new Set([...always, ...others, ...silent].map(({ id }) => id))
  const known = entries.filter(({ id }) => ids.has(id))
  const { find } = mentionFinder(known.map(entry => ({ ...entry, when: 'always' })))
  return names.filter(name => find(name).mentions.size === 0)
}

/** The texts before a scene, nearest first: those that may be shown, and those with another point of view. */
async function textsBefore(
  { userId, services }: MaterialReader,
  { before, scenesBefore, manner = {}, tokens }: CodexMaterialRequest,
): Promise<{ texts: readonly SceneText[]; otherView: readonly SceneText[] }> {
  if (scenesBefore === 0) return { texts: [], otherView: [] }
  const units = Math.min(mostUnits, tokens * unitsPerToken)
  const page = { pageSize: scenesBefore, units }
  const { items } = await services.library.shelf.textsBefore(userId, before, page)
  const written = items.filter(scene => !scene.empty)
  const [first] = written
  if (first === undefined || (manner.pov ?? manner.povCharacter) === undefined)
    return { texts: written, otherView: [] }
  const usual = await services.library.shelf.narration(userId, first.novelId)
  const isShown = (scene: SceneText) => hasSameView(manner, narrationOf(scene.narration, usual))
  return { texts: written.filter(isShown), otherView: written.filter(scene => !isShown(scene)) }
}

/** A passage with its text. */
export interface ClosePassage {
  readonly hit: PassageHit
  readonly text: string
}

/** A request for the passages that are closest to a subject. */
export type PassageRequest = Pick<MaterialRequest, 'novelId' | 'before' | 'about'>

/** Returns the passages of scenes before a scene that are closest to a subject, best first; none where the novel has no index. */
export async function closePassages(
  reader: MaterialReader,
  request: PassageRequest,
): Promise<readonly ClosePassage[]> {
  return (await nearPassages(reader, request)).passages
}

interface NearRequest extends PassageRequest {
  /** Scenes that are shown elsewhere. */
  without?: ReadonlySet<string>
  /** Whether passages of later scenes are searched too, for the list of what is left out. */
  listsLater?: boolean
}

/** The closest passages of scenes before a scene, and those that would be as close and are left out. */
async function nearPassages(
  reader: MaterialReader,
  { novelId, before, about, without = new Set(), listsLater = false }: NearRequest,
): Promise<{
  passages: readonly ClosePassage[]
  leftOut: readonly LeftOutSource[]
  search: PassageSearch
}> {
  const { userId, services, signal } = reader
  const { index, scenes } = services.library
  const { vector, ...asked } = await vectorFor(reader, novelId, about)
  const search = { query: about, limit: searched, signal, ...defined({ vector }) }
  const { hits, index: answered } = await index.search(userId, novelId, {
    ...search,
    ...(typeof before === 'string' && { before }),
  })
  // A search compares all vectors of the novel: one that nobody looks at is not made.
  const { hits: anywhere } = listsLater ? await index.search(userId, novelId, search) : { hits }
  const passageOf = ({ sceneId: of, passage }: PassageHit) => `${of} ${passage.start}`
  const earlier = new Set(hits.map(passageOf))
  const reasonOf = (hit: PassageHit): WhyLeftOut | undefined => {
    // A scene that changed since it was indexed may be in the middle of being written.
    if (hit.outOfDate) return 'out-of-date'
    return without.has(hit.sceneId) ? 'shown-elsewhere' : undefined
  }
  const wanted = hits.filter(hit => reasonOf(hit) === undefined).slice(0, mostPassages)
  const passages: ClosePassage[] = []
  for (const hit of wanted) {
    const { content } = await scenes.scene(userId, hit.sceneId)
    passages.push({ hit, text: content.slice(hit.passage.start, hit.passage.end).trim() })
  }
  const later = anywhere.filter(hit => hit.sceneId !== before && !earlier.has(passageOf(hit)))
  const leftOut = [
    ...hits.flatMap(hit => {
      const reason = reasonOf(hit)
      return reason === undefined ? [] : [{ ...passageSource(hit), reason }]
    }),
    ...later.map(hit => ({ ...passageSource(hit), reason: 'later' as const })),
  ]
  const by = answered === 'hybrid' ? 'both' : 'words'
  return { passages, leftOut, search: { by, ...asked } }
}

/** Returns the vector of a subject, where the index of the novel has vectors of a model that makes one; or why there is none. */
async function vectorFor(
  { userId, services, vectorOf }: MaterialReader,
  novelId: string,
  about: string,
): Promise<Omit<PassageSearch, 'by'> & Pick<NovelSearch, 'vector'>> {
  const { kind: index, vectors: kind } = await services.library.index.state(userId, novelId)
  if (kind === undefined) return { degraded: { reason: index === 'none' ? 'no-index' : 'no-vectors' } }
  if (vectorOf === undefined || about.trim() === '') return { degraded: { reason: 'not-asked' } }
  const made = await vectorOf(kind, about)
  if ('reason' in made) return { model: kind.model, degraded: made }
  return { model: kind.model, vector: { kind, values: made } }
}
