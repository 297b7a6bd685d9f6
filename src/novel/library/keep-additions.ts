/** Additions to novels, over records: each is one commit, guarded by the novel. */
import { hashedId } from '../../index.ts'
import { type Change, getOne, insert, type Stored, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { groupedBy } from '../grouped-by.ts'
import { printOf, risingOf } from '../import/align-chapters.ts'
import { measure } from '../words.ts'
import type { AddedScene, Addition, ChapterReplaced, NovelAdditions, Replacement } from './additions.ts'
import { firstVersions } from './draft-pieces.ts'
import { idsOf, volumeIdOf } from './ids.ts'
import { sceneIntoBin } from './keep-bin.ts'
import { type Frame, type Shaped, scenesIn, shaping } from './keep-shape.ts'
import {
  type ChapterRecord,
  chapters,
  type LibraryParts,
  type SceneRecord,
  scenes,
  type TextRecord,
  texts,
  volumes,
} from './kinds.ts'
import { chaptersOf, scenesOf, volumesOf } from './places.ts'
import { changesOf, textFields } from './write-scene.ts'

/** The additions to the novels of a library. */
export function novelAdditions(library: LibraryParts): NovelAdditions {
  return {
    add: (userId, addition) =>
      shaping(library, { userId, novelId: addition.novelId }, frame => added(library, frame, addition)),
    async replace(userId, replacement) {
      let replaced: ChapterReplaced = { outcome: 'missing', sceneIds: [] }
      await shaping(library, { userId, novelId: replacement.novelId }, async frame => {
        const made = await replacing(library, { frame, userId, replacement })
        replaced = made.replaced
        return made.shaped
      })
      return replaced
    },
  }
}

async function added(library: LibraryParts, frame: Frame, addition: Addition): Promise<Shaped> {
  const { records, now } = library
  const { novel } = frame
  const sceneIds = addition.chapters.flatMap(chapter => idsOf(chapter.scenes))
  const [there, known] = await Promise.all([
    records.get(chapters, idsOf(addition.chapters)),
    records.get(scenes, sceneIds, ['summary']),
  ])
  const missing = addition.chapters.filter(({ id }) => !there.has(id))
  const [first] = missing
  if (first === undefined) return undefined
  const at = placeOf(frame, addition)
  const { volumeId, changes: volumeChanges } = await volumeFor(library, { frame, addition, at })
  const written = missing.flatMap(({ id, title, scenes: inChapter }, index) => {
    const place = { novelId: novel.id, generation: novel.generation, position: at + index }
    const chapter = { ...place, id, volumeId, title }
    // One that a person moved elsewhere before this was tried again stays there.
    const own = inChapter.filter(scene => !known.has(scene.id))
    return [
      { chapter, rows: own.map((scene, position) => sceneRow(chapter, { scene, position, at: now() })) },
    ]
  })
  const rows = written.flatMap(each => each.rows)
  return {
    novel: {
      volumes: novel.volumes + (volumeChanges.length > 0 ? 1 : 0),
      chapters: novel.chapters + missing.length,
      ...countsWith(
        frame,
        rows.map(({ scene }) => scene),
      ),
    },
    changes: [
      ...volumeChanges,
      ...chaptersOf(novel.id)({ from: at }, { by: missing.length }),
      ...written.map(({ chapter }) => insert(chapters, chapter)),
      ...rows.flatMap(({ changes }) => changes),
    ],
  }
}

function placeOf({ chapters: inOrder }: Frame, { behind, atStart }: Addition): number {
  if (atStart === true) return 0
  const [last] = behind.map(id => inOrder.findIndex(chapter => chapter.id === id)).filter(at => at !== -1)
  return last === undefined ? inOrder.length : last + 1
}

/** Returns the volume for chapters at a place, and the changes that make it. */
async function volumeFor(
  { records }: LibraryParts,
  {
    frame: { novel, volumes: all, chapters: inOrder },
    addition: { volume: wanted, chapters: given },
    at,
  }: { frame: Frame; addition: Addition; at: number },
): Promise<{ volumeId: string; changes: Change[] }> {
  const { id: novelId, generation } = novel
  const [before, follower] = [inOrder[at - 1], inOrder[at]]
  const inVolume = before?.volumeId ?? follower?.volumeId ?? all.at(-1)?.id
  const position = all.findIndex(({ id }) => id === inVolume)
  const [own, next] = [all[position], all[position + 1]]
  const found = (id: string) => ({ volumeId: id, changes: [] })
  const isInside = follower !== undefined && follower.volumeId === own?.id
  if (own !== undefined && (wanted === undefined || isInside || own.title === wanted.title))
    return found(own.id)
  if (wanted !== undefined && next?.title === wanted.title) return found(next.id)
  const { id, title } = wanted ?? { id: volumeIdOf(given[0]?.id ?? novelId, 0), title: '' }
  // A person deleted or moved it before this was tried again.
  if (own !== undefined && (await getOne(records, volumes, id)) !== undefined) return found(own.id)
  const place = { novelId, generation, position: position + 1 }
  const changes = [
    ...volumesOf(novelId)({ from: position + 1 }, { by: 1 }),
    insert(volumes, { id, ...place, title }),
  ]
  return { volumeId: id, changes }
}

/** Returns the rows of a new scene. It is not in the index of the novel, so it counts as edited. */
function sceneRow(
  { id: chapterId, novelId, generation, position: chapter }: ChapterRecord,
  { scene: { id, title, content }, position, at }: { scene: AddedScene; position: number; at: number },
): { scene: SceneRecord; changes: Change[] } {
  const { words, characters } = measure(content)
  const place = { id, novelId, generation, chapterId, chapter, position }
  const scene = { ...place, ...defined({ title }), words, characters, ...firstVersions, updatedAt: at }
  const row: SceneRecord = { ...scene, edited: 1 }
  return { scene: row, changes: [insert(scenes, row), ...write(texts, [{ id, content }])] }
}

/** The counts of a novel with some scenes and without others. */
function countsWith(
  { novel }: Frame,
  come: readonly Sized[],
  gone: readonly Sized[] = [],
): Record<'scenes' | 'words' | 'characters' | 'textVersion', number> {
  const sum = (of: readonly Sized[], what: keyof Sized) => of.reduce((all, each) => all + each[what], 0)
  return {
    scenes: novel.scenes + come.length - gone.length,
    words: novel.words + sum(come, 'words') - sum(gone, 'words'),
    characters: novel.characters + sum(come, 'characters') - sum(gone, 'characters'),
    textVersion: novel.textVersion + 1,
  }
}

type Sized = Pick<SceneRecord, 'words' | 'characters'>

/** A replacement as it is decided. */
interface Deciding {
  frame: Frame
  userId: string
  replacement: Replacement
}

async function replacing(
  library: LibraryParts,
  { frame, userId, replacement }: Deciding,
): Promise<{ replaced: ChapterReplaced; shaped: Shaped }> {
  const left = (outcome: ChapterReplaced['outcome'], sceneIds: readonly string[] = []) => ({
    replaced: { outcome, sceneIds },
    shaped: undefined,
  })
  const chapter = frame.chapters.find(({ id }) => id === replacement.chapterId)
  if (chapter === undefined) return left('missing')
  const there = await scenesIn(library, chapter)
  const held = await library.records.get(texts, idsOf(there))
  const contents = there.map(({ id }) => held.get(id)?.content ?? '')
  const { digest } = printOf(contents)
  if (digest === printOf(replacement.scenes.map(({ content }) => content)).digest)
    return left('unchanged', idsOf(there.filter(({ id }) => isWritten(replacement, id, held.get(id)))))
  if (digest !== replacement.expected) return left('changed')
  const known = await library.records.get(scenes, idsOf(replacement.scenes), ['summary'])
  const plan = planOf(
    replacement.scenes,
    there.map((scene, at) => ({ scene, content: contents[at] ?? '' })),
    id => known.has(id),
  )
  return carriedOut(library, { frame, userId, replacement }, { chapter, plan, held })
}

/** Whether an attempt before has written the text of a scene. */
function isWritten({ scenes: given, writer }: Replacement, sceneId: string, text?: TextRecord): boolean {
  const writtenBy = text?.origin?.writtenBy
  const isSaved = writtenBy !== undefined && 'taskId' in writtenBy && writtenBy.taskId === writer.taskId
  return isSaved || given.some(({ id }) => id === sceneId)
}

/** A scene of the novel with its text. */
interface Held {
  scene: Stored<SceneRecord>
  content: string
}

/** What becomes of the scenes of a chapter: in the order of the file, each with the scene that gets its text, if any; and those that are left over. */
interface Plan {
  wanted: readonly { given: AddedScene; held: Held | undefined }[]
  over: readonly Held[]
}

/** Equal texts stay in the longest order that both have; between them the first gets the text of the first. */
function planOf(given: readonly AddedScene[], held: readonly Held[], isTaken: (id: string) => boolean): Plan {
  const digestOf = ({ content }: { content: string }) => printOf([content]).digest
  const waiting = groupedBy(
    held.map((each, at) => ({ at, ...each })),
    digestOf,
  )
  const equal = given.flatMap((scene, at) => {
    const same = waiting.get(digestOf(scene))?.shift()
    return same === undefined ? [] : [[at, same.at] as const]
  })
  const wanted: Plan['wanted'][number][] = []
  const over: Held[] = []
  let [from, next] = [0, 0]
  for (const [at, to] of [...risingOf(equal), [given.length, held.length] as const]) {
    const between = held.slice(next, to)
    for (const scene of given.slice(from, at)) {
      const instead = between.shift()
      // Its id is taken where a person moved what an attempt before has added: nothing is added twice.
      if (instead !== undefined || !isTaken(scene.id)) wanted.push({ given: scene, held: instead })
    }
    over.push(...between)
    const [same, kept] = [given[at], held[to]]
    if (same !== undefined && kept !== undefined)
      wanted.push({ given: { ...same, content: kept.content }, held: kept })
    ;[from, next] = [at + 1, to + 1]
  }
  return { wanted, over }
}

/** Returns the changes of a plan: what is left over goes, then the new scenes come in order, then the texts change in their places. */
async function carriedOut(
  library: LibraryParts,
  { frame, replacement: { writer } }: Deciding,
  { chapter, plan, held }: { chapter: ChapterRecord; plan: Plan; held: ReadonlyMap<string, TextRecord> },
): Promise<{ replaced: ChapterReplaced; shaped: Shaped }> {
  const at = library.now()
  const inScenes = scenesOf(chapter.novelId, chapter.position)
  const changes = plan.over
    .toReversed()
    .flatMap(({ scene }) =>
      sceneIntoBin(scene, { entryId: hashedId(['left over', writer.taskId, scene.id].join('\n')), at }),
    )
  const come: Sized[] = []
  const gone: Sized[] = plan.over.map(({ scene }) => scene)
  const sceneIds: string[] = []
  const texted: Change[] = []
  for (const [position, { given, held: own }] of plan.wanted.entries()) {
    if (own === undefined) {
      const { scene, changes: rows } = sceneRow(chapter, { scene: given, position, at })
      changes.push(...inScenes({ from: position }, { by: 1 }), ...rows)
      come.push(scene)
      sceneIds.push(scene.id)
    } else if (own.content !== given.content) {
      const change = textChange(own.scene, { content: given.content, position, writer, at })
      const found = { scene: own.scene, userId: frame.novel.userId, text: held.get(own.scene.id) ?? none }
      const made = await changesOf(library, found, change, at)
      texted.push(...made.changes, ...made.beside)
      come.push(made.scene)
      gone.push(own.scene)
      sceneIds.push(own.scene.id)
    }
  }
  const novel = countsWith(frame, come, gone)
  return {
    replaced: { outcome: 'replaced', sceneIds },
    shaped: { novel, changes: [...changes, ...texted] },
  }
}

const none = { content: '' }

/** A scene gets the text of a file. */
function textChange(
  { version: expectedVersion }: SceneRecord,
  {
    content,
    position,
    writer,
    at,
  }: { content: string; position: number; writer: Replacement['writer']; at: number },
) {
  const origin = { method: 'imported', writtenBy: writer, writtenAt: at, expectedVersion } as const
  return {
    fields: { ...textFields(content, expectedVersion + 1), position },
    text: { content, origin },
    by: writer,
  }
}
