/** Scenes that are cut in two, and joined: one commit each, guarded by the novel and by the scene whose text changes. */
import { randomUUID } from 'node:crypto'
import { wholeAt } from '../../ai/text/characters.ts'
import { getOne, insert, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { hasWords } from '../quotation.ts'
import { measure } from '../words.ts'
import { checkId, firstVersions } from './draft-pieces.ts'
import { longestScene } from './drafts.ts'
import { textProvenance } from './history.ts'
import { binned, entryOf } from './keep-bin.ts'
import { movedInCodex } from './keep-codex.ts'
import { type Frame, type Shaped, scenesIn, shapingOfScene } from './keep-shape.ts'
import { movedInThreads } from './keep-threads.ts'
import { type BinRecord, type LibraryParts, type SceneRecord, scenes, texts } from './kinds.ts'
import { scenesOf } from './places.ts'
import { provenanceOf } from './provenance.ts'
import { chapterFull, chapterNotFound, notTaken, sceneNotFound } from './refusal.ts'
import { isStale, type KeptOrigin } from './scene-guard.ts'
import { type SceneWritten, scenesPerChapter } from './scenes.ts'
import type { SceneShape, SceneSplit } from './shape.ts'
import { changesOf, type FullScene, ownScene, textFields } from './write-scene.ts'

/** How scenes of a library are cut and joined. */
export function sceneShape(library: LibraryParts): SceneShape {
  return {
    async splitScene(userId, split) {
      checkId(split.id)
      let written: SceneWritten = { outcome: 'missing' }
      await shapingOfScene(library, { userId, sceneId: split.sceneId }, async frame => {
        const found = await ownScene(library, userId, split.sceneId)
        const decided = await splitInTwo(library, frame, { found, split })
        const { version, textVersion } = found.scene
        written = { outcome: decided === 'conflict' ? decided : 'applied', version, textVersion }
        return typeof decided === 'string' ? undefined : decided
      })
      return written
    },
    async mergeScenes(userId, { sceneId, next }) {
      let entry: BinRecord | undefined
      await shapingOfScene(library, { userId, sceneId }, async frame => {
        const first = await ownScene(library, userId, sceneId)
        const merged = await mergedWith(library, frame, { first, next, userId })
        entry = merged.entry
        return merged
      })
      if (entry === undefined) throw sceneNotFound(next)
      return entryOf(entry)
    },
  }
}

/** Cuts a text in two. The blank lines at the place go, and the spaces within a line; what indents a line stays. */
function cutAt(content: string, place: number): [first: string, second: string] {
  const at = wholeAt(content, place)
  const rest = content.slice(at)
  const blank = /^(?:[^\S\n]*\n)+/.exec(rest)?.[0] ?? ''
  const isLine = blank !== '' || content[at - 1] === '\n'
  return [content.slice(0, at).trimEnd(), isLine ? rest.slice(blank.length) : rest.trimStart()]
}

/** Puts two texts together, parted as their paragraphs are: by a blank line, unless they have line breaks and no blank lines. */
function joined(first: string, second: string): string {
  const [head, rest] = [first.trimEnd(), second.replace(/^(?:[^\S\n]*\n)+/, '')]
  if (head === '' || rest.trim() === '') return head === '' ? second : first
  const both = [head, rest.trimEnd()]
  const hasBlank = both.some(text => /\n[^\S\n]*\n/.test(text))
  const isByLine = !hasBlank && both.some(text => text.includes('\n'))
  return `${head}${isByLine ? '\n' : '\n\n'}${rest}`
}

/** Where a text comes from that a person cut or joined. It is no text of a candidate any more, and none of the history. */
function originOf(
  { scene: { textVersion }, text: { origin } }: FullScene,
  written: Pick<KeptOrigin, 'writtenBy' | 'writtenAt' | 'expectedVersion'>,
): KeptOrigin {
  const { accepted: _, restored: __, ...made } = textProvenance({ textOrigin: origin, textVersion })
  return { ...provenanceOf(made), ...written }
}

async function splitInTwo(
  library: LibraryParts,
  frame: Frame,
  { found, split }: { found: FullScene; split: SceneSplit },
): Promise<'unchanged' | 'conflict' | NonNullable<Shaped>> {
  const { records, now } = library
  const { scene, text, userId } = found
  const { id, at: place, title, expectedVersion } = split
  const { novelId, chapter, chapterId, position, generation } = scene
  const there = await getOne(records, scenes, id, ['summary'])
  if (there?.novelId === novelId) return 'unchanged'
  if (there !== undefined) throw notTaken(`The id ${id} belongs to another scene; choose another one.`)
  if (isStale(scene, 'text', expectedVersion)) return 'conflict'
  const [first, second] = cutAt(text.content, place)
  if (first === '' || second.trim() === '')
    throw notTaken(
      `There is no text on both sides of ${place}, so the scene is not cut there; its text has ${text.content.length} code units.`,
    )
  await checkCapacity(library, frame, chapter)
  const [at, by] = [now(), { userId }]
  const origin = originOf(found, { writtenBy: by, writtenAt: at, expectedVersion })
  const fields = textFields(first, scene.version + 1)
  const own = await changesOf(library, found, { fields, text: { content: first, origin }, by }, at)
  const { words, characters } = measure(second)
  const next = {
    ...{ id, novelId, generation, chapterId, chapter, position: position + 1, ...defined({ title }) },
    ...defined({ narration: scene.narration, codex: scene.codex }),
    ...{ ...firstVersions, words, characters, edited: 1, updatedAt: at },
  }
  const isOfSecond = (quotation: string) => !hasWords(first, quotation) && hasWords(second, quotation)
  return {
    novel: counted(frame, { scenes: 1, ...grown(found, own.scene, next) }),
    changes: [
      ...scenesOf(novelId, chapter)({ from: position + 1 }, { by: 1 }),
      ...own.changes,
      ...own.beside,
      insert(scenes, next),
      ...write(texts, [{ id, content: second, origin: { ...origin, expectedVersion: 1 } }]),
      ...(await movedInThreads(library, novelId, (named, quotation = '') =>
        named === scene.id && quotation !== '' && isOfSecond(quotation) ? id : named,
      )),
    ],
  }
}

/** Throws CHAPTER_FULL. */
async function checkCapacity(library: LibraryParts, frame: Frame, position: number): Promise<void> {
  const chapter = frame.chapters[position]
  if (chapter === undefined) throw chapterNotFound(String(position))
  const there = await scenesIn(library, chapter)
  if (there.length >= scenesPerChapter) throw chapterFull(chapter.id, scenesPerChapter)
}

type Sized = Pick<SceneRecord, 'words' | 'characters'>

/** How much larger scenes are than the one that they were. */
function grown({ scene: before }: FullScene, ...after: readonly Sized[]): Sized {
  const sum = (what: keyof Sized) => after.reduce((all, each) => all + each[what], -before[what])
  return { words: sum('words'), characters: sum('characters') }
}

/** The counts of a novel of which the text is another one. */
function counted({ novel }: Frame, more: Sized & { scenes: number }) {
  return {
    scenes: novel.scenes + more.scenes,
    words: novel.words + more.words,
    characters: novel.characters + more.characters,
    textVersion: novel.textVersion + 1,
  }
}

async function mergedWith(
  library: LibraryParts,
  frame: Frame,
  { first, next: nextId, userId }: { first: FullScene; next: string; userId: string },
): Promise<NonNullable<Shaped> & { entry: BinRecord }> {
  const { scene } = first
  const { id: sceneId, novelId } = scene
  const next = await ownScene(library, userId, nextId)
  const follows = next.scene.chapterId === scene.chapterId && next.scene.position === scene.position + 1
  if (!follows)
    throw notTaken(
      `Scene ${nextId} does not follow scene ${sceneId} in its chapter, so it is not put into it.`,
    )
  const content = joined(first.text.content, next.text.content)
  checkJoined(content, first, next)
  const unit = { novelId, what: 'scene', id: nextId } as const
  const gone = await binned(library, frame, { unit, id: randomUUID(), mergedInto: sceneId })
  const isSame = content === first.text.content
  const own = isSame ? { scene, changes: [], beside: [] } : await withText(library, { first, next, content })
  const { words, characters } = grown(first, own.scene)
  return {
    entry: gone.entry,
    novel: counted(frame, {
      scenes: -1,
      words: words - next.scene.words,
      characters: characters - next.scene.characters,
    }),
    changes: [
      ...gone.changes,
      ...own.changes,
      ...own.beside,
      ...(await movedInThreads(library, novelId, named => (named === nextId ? sceneId : named))),
      ...(await movedInCodex(library, novelId, { from: nextId, to: sceneId })),
    ],
  }
}

/** Throws OPTION_INVALID for a text that is longer than a scene may be, and than either was. */
function checkJoined(content: string, first: FullScene, next: FullScene): void {
  const most = Math.max(longestScene, first.text.content.length, next.text.content.length)
  if (content.length > most)
    throw notTaken(
      `The two scenes have ${content.length} characters together; a scene has at most ${most}, so they are not made one.`,
    )
}

/** The first of two scenes with the text of both. It came about as they did; where they came about otherwise, a person made it of both. */
function withText(
  library: LibraryParts,
  { first, next, content }: { first: FullScene; next: FullScene; content: string },
): ReturnType<typeof changesOf> {
  const at = library.now()
  const by = { userId: first.userId }
  const written = { writtenBy: by, writtenAt: at, expectedVersion: first.scene.version }
  const [one, other] = [originOf(first, written), originOf(next, written)]
  const made = first.text.content.trim() === '' ? other : one
  const isAlike = made === other || one.method === other.method
  const origin: KeptOrigin = isAlike ? made : { method: 'person', ...written }
  const fields = textFields(content, first.scene.version + 1)
  return changesOf(library, first, { fields, text: { content, origin }, by }, at)
}
