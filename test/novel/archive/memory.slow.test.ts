import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { importArchive } from '../../../src/novel/archive/import.ts'
import { readNovelArchive } from '../../../src/novel/archive/read.ts'
import { writeNovelArchive } from '../../../src/novel/archive/write.ts'
import { fileSource } from '../../../src/novel/import/source.ts'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { prose } from '../import/reading.ts'
import { ann, draftOf } from '../library/case.ts'
import { SqliteUnderTest } from '../library/under-test.ts'

const megabyte = 1_000_000
const chapters = 1_000
const scenesPerChapter = 10
const paragraphs = Array.from({ length: 97 }, (_, seed) => prose(seed))

/** Some 10,000 characters. */
function sceneOf(seed: number): string {
  return Array.from({ length: 40 }, (_, at) => paragraphs[(seed * 31 + at * 7) % 97]).join('\n\n')
}

/** Writes a novel of 10,000 scenes, of which every tenth has a history. */
async function writeNovel(library: NovelLibrary): Promise<{ novelId: string; characters: number }> {
  const draft = await library.drafts.create(draftOf('long'))
  await library.drafts.write(draft, { volumes: [{ position: 0, title: '' }] })
  let characters = 0
  for (let chapter = 0; chapter < chapters; chapter++) {
    const scenes = Array.from({ length: scenesPerChapter }, (_, position) => {
      const content = sceneOf(chapter * scenesPerChapter + position)
      characters += content.length
      return { chapterPosition: chapter, position, content }
    })
    await library.drafts.write(draft, {
      chapters: [{ position: chapter, volumePosition: 0, title: `Chapter ${chapter + 1}` }],
      scenes,
    })
  }
  const totals = { volumes: 1, chapters, scenes: chapters * scenesPerChapter }
  expect(await library.drafts.publish(draft, totals)).toMatchObject({ outcome: 'published' })
  const { novelId } = draft
  for (let chapter = 0; chapter < chapters; chapter++) {
    const sceneId = sceneIdOf(novelId, chapter, 0)
    for (const expectedVersion of [1, 2]) {
      const content = sceneOf(chapter * 7 + expectedVersion)
      await library.scenes.editScene(ann, { sceneId, expectedVersion, content })
    }
  }
  await library.snapshots.create(ann, { id: 'first', novelId, name: 'First' })
  return { novelId, characters }
}

/** Returns by how many megabytes the process grows while it works. */
async function growthOf(work: () => Promise<unknown>): Promise<number> {
  global.gc?.()
  const before = process.memoryUsage().rss
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 20)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return (peak - before) / megabyte
}

test('an archive of a long novel is written and read in bounded memory', { timeout: 900_000 }, async () => {
  await using t = new SqliteUnderTest()
  const { library } = t
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-archive-'))
  try {
    const { novelId, characters } = await writeNovel(library)
    expect(characters).toBeGreaterThan(80 * megabyte)
    const file = path.join(folder, 'long.quillwork')
    const bytesOf = (of: string, userId: string) => writeNovelArchive(library, { userId, novelId: of })
    expect(await growthOf(() => pipeline(bytesOf(novelId, ann), createWriteStream(file)))).toBeLessThan(200)
    const draft = await library.drafts.create(draftOf('copy', { userId: 'bob', title: 'Book long' }))
    const rows = readNovelArchive(await fileSource(file))
    const reading = () =>
      importArchive(library, { ...draft, userId: 'bob' }, { rows, onRead: () => undefined })
    expect(await growthOf(reading)).toBeLessThan(200)
    const again = path.join(folder, 'again.quillwork')
    await pipeline(bytesOf(draft.novelId, 'bob'), createWriteStream(again))
    const [one, other] = await Promise.all([fileSource(file), fileSource(again)])
    expect(other.size).toBe(one.size)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
