import { expect } from 'vitest'
import { printOf } from '../../../src/novel/import/align-chapters.ts'
import type { Addition } from '../../../src/novel/library/additions.ts'
import { ann, everythingOf, type LibraryCase, type LibraryUnderTest } from './case.ts'
import { readingOf } from './reading-cases.ts'
import { shaped } from './shape-cases.ts'

const [a, b, c] = ['a', 'b', 'c'].map(title => `${title}(${title}1 ${title}2 ${title}3)`)
const [d, e, f] = ['d', 'e', 'f'].map(title => `${title}(${title}1 ${title}2 ${title}3)`)
const writer = { taskId: 'task', attempt: 1 }

async function adding(t: LibraryUnderTest) {
  const made = await shaped(t)
  const { library, novelId } = made
  const add = (titles: string, where: Partial<Addition> = {}) => {
    const chapters = titles.split(' ').map(title => ({
      ...{ id: title, title },
      scenes: [{ id: `${title}-scene`, content: `${title}1 it hailed.` }],
    }))
    return library.additions.add(ann, { novelId, behind: [], chapters, ...where })
  }
  /** Gives chapter b other scenes; each is named by how its text begins. */
  const replace = async (names: readonly string[], expected?: string) => {
    const { texts, chapters } = await everythingOf(library, novelId)
    const own = texts.filter(({ chapterId }) => chapterId === chapters[1]?.id).map(({ content }) => content)
    return library.additions.replace(ann, {
      ...{ novelId, chapterId: made.chapter('b'), writer, expected: expected ?? printOf(own).digest },
      scenes: names.map((name, at) => ({
        ...{ id: `new-${names.join('')}-${at}` },
        content: own.find(content => content.startsWith(name)) ?? `${name} it was told.`,
      })),
    })
  }
  return { ...made, add, replace }
}

/** What a file adds to a novel. */
export const additionCases: readonly LibraryCase[] = [
  {
    name: 'chapters go behind the first of some that is there, else to the end, and never twice',
    async run(t) {
      const { library, novelId, chapter, shape, add } = await adding(t)
      await add('x y', { behind: ['none', chapter('b'), chapter('e')] })
      await add('x y', { behind: [chapter('e')] })
      expect(await shape()).toBe(`One: ${a} ${b} x(x1) y(y1) ${c}\nTwo: ${d} ${e} ${f}`)
      await add('z', { atStart: true })
      await add('w', { behind: ['none'] })
      expect(await shape()).toBe(`One: z(z1) ${a} ${b} x(x1) y(y1) ${c}\nTwo: ${d} ${e} ${f} w(w1)`)
      const gone = await library.bin.remove(ann, { novelId, what: 'chapter', id: 'y' })
      await Promise.all([add('x y v', { behind: ['x'] }), add('x y v', { behind: ['x'] })])
      expect(await shape()).toBe(`One: z(z1) ${a} ${b} x(x1) v(v1) ${c}\nTwo: ${d} ${e} ${f} w(w1)`)
      await library.bin.restore(ann, { novelId, entryId: gone.id })
      expect((await shape()).split('\n')[0]).toContain('y(y1)')
      const foreign = { novelId, behind: [], chapters: [] }
      await expect(library.additions.add('ben', foreign)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
    },
  },
  {
    name: 'a volume is made at the end of another one, where neither it nor the next is called so',
    async run(t) {
      const { chapter, shape, add } = await adding(t)
      const volume = (title: string) => ({ id: `volume-${title}`, title })
      await add('x', { behind: [chapter('c')], volume: volume('Between') })
      expect(await shape()).toBe(`One: ${a} ${b} ${c}\nBetween: x(x1)\nTwo: ${d} ${e} ${f}`)
      await add('y', { behind: ['x'], volume: volume('Two') })
      await add('z', { behind: ['x'], volume: volume('Between') })
      await add('v', { behind: [chapter('a')], volume: volume('Inside') })
      expect(await shape()).toBe(`One: ${a} v(v1) ${b} ${c}\nBetween: x(x1) z(z1)\nTwo: y(y1) ${d} ${e} ${f}`)
      await add('w', { volume: volume('Three') })
      expect((await shape()).split('\n').at(-1)).toBe('Three: w(w1)')
    },
  },
  {
    name: 'a chapter gets other scenes: equal ones stay, texts are saves, what is left over is in the bin',
    async run(t) {
      const { library, novelId, scene, shape, replace } = await adding(t)
      await library.readings.keep(ann, novelId, readingOf(scene('b3')))
      t.now = 70
      const { outcome, sceneIds } = await replace(['n1', 'b1', 'n2', 'n3', 'b3'])
      expect([outcome, sceneIds.length]).toEqual(['replaced', 3])
      expect(await shape()).toBe(`One: ${a} b(n1 b1 n2 n3 b3) ${c}\nTwo: ${d} ${e} ${f}`)
      const read = { what: 'entries', sceneIds: [scene('b3')] } as const
      const [reading] = (await library.readings.ofScenes(ann, novelId, read)).values()
      expect(reading?.place).toEqual([1, 4])
      // The second text took the place of the second scene.
      const saved = await library.scenes.scene(ann, scene('b2'))
      expect(saved).toMatchObject({ content: 'n2 it was told.', position: 2, version: 2, textVersion: 2 })
      expect(saved.textOrigin).toEqual({ method: 'imported', writtenBy: writer, writtenAt: 70 })
      const { items } = await library.scenes.history(ann, saved.id, { pageSize: 5 })
      expect(items).toMatchObject([{ what: 'text', text: 'b2 it snowed.', overwrittenBy: writer }])
      for (const names of [['b3', 'b1'], ['m1'], ['m1', 'k2', 'k3', 'k4'], ['k4', 'k3', 'k2', 'm1']]) {
        expect((await replace(names)).outcome).toBe('replaced')
        expect(await shape()).toBe(`One: ${a} b(${names.join(' ')}) ${c}\nTwo: ${d} ${e} ${f}`)
      }
      const left = await library.bin.entries(ann, novelId)
      expect(left.length).toBeGreaterThan(3)
      for (const { id: entryId } of left) await library.bin.restore(ann, { novelId, entryId })
      expect((await everythingOf(library, novelId)).novel.scenes).toBe(15 + 4 + left.length)
      await shape()
    },
  },
  {
    name: 'a chapter that is another one than was expected stays as it is',
    async run(t) {
      const { library, novelId, chapter, shape, replace } = await adding(t)
      const before = await shape()
      expect(await replace(['n1'], 'another digest')).toEqual({ outcome: 'changed', sceneIds: [] })
      expect(await replace(['b1', 'b2', 'b3'], 'another digest')).toEqual({
        outcome: 'unchanged',
        sceneIds: [],
      })
      expect(await shape()).toBe(before)
      await library.bin.remove(ann, { novelId, what: 'chapter', id: chapter('b') })
      expect(await replace(['n1'])).toEqual({ outcome: 'missing', sceneIds: [] })
    },
  },
]
