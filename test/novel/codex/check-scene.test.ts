import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type SceneAgainstCodex, sceneChecker } from '../../../src/novel/codex/check-scene.ts'
import { cpuSince } from '../../cpu-since.ts'
import { entryFields } from '../library/codex-cases.ts'

interface Book {
  scenes: Omit<SceneAgainstCodex, 'place'>[]
  entries: (Parameters<typeof entryFields>[0] & { id: string })[]
  findings: object[]
}

const book: Book = JSON.parse(readFileSync(new URL('broken-book.json', import.meta.url), 'utf8'))
const places = new Map(book.scenes.map(({ id }, at) => [id, [at, 0] as const]))
const entries = book.entries.map(({ id, ...fields }) => ({
  ...{ id, novelId: 'n', version: 1, createdAt: 0, updatedAt: 0 },
  ...entryFields(fields),
}))

it('finds what is broken in a book, and nothing else, each with its sentence', () => {
  const check = sceneChecker({ entries, places })
  const found = book.scenes.flatMap((scene, at) => check({ ...scene, place: [at, 0] }))
  expect(found.map(({ code, sceneId, name, quotation }) => ({ code, sceneId, name, quotation }))).toEqual(
    book.findings,
  )
  for (const { sceneId, from, to, quotation } of found) {
    const { content = '' } = book.scenes.find(({ id }) => id === sceneId) ?? {}
    expect(content.slice(from, to).trim()).toBe(quotation)
  }
  expect(new Set(found.map(({ id }) => id)).size).toBe(found.length)
})

it('cuts no character of a long sentence in two', () => {
  const [gone] = entries.filter(({ ends }) => ends !== '')
  const content = `${'😀'.repeat(200)} ${gone?.name} ${'😀'.repeat(200)}${'😀'.repeat(200)}`
  for (const shift of ['', ' ']) {
    const scene = { id: 's', place: [9, 0] as const, content: `${shift}${content}`, narration: {} }
    const [{ quotation = '', from = 0, to = 0 } = {}] = sceneChecker({ entries, places })(scene)
    expect(quotation).toContain(gone?.name)
    expect(quotation).not.toMatch(/\p{Surrogate}/u)
    expect(scene.content.slice(from, to).trim()).toBe(quotation)
  }
})

it('checks a long scene without a line end in time in proportion to it', () => {
  const [gone] = entries.filter(({ ends }) => ends !== '')
  const content = `${gone?.name} came in. `.repeat(5_000).slice(0, 50_000)
  const many = Array.from({ length: 200 }, (_, at) => ({
    ...{ ...(gone ?? entries[0]), id: `n${at}`, name: `Person ${at}`, aliases: [], exclusions: [] },
  }))
  const others = many.map(({ name }) => `${name} came in too. `).join('')
  const check = sceneChecker({ entries: [...entries, ...many] as typeof entries, places })
  const cpu = cpuSince()
  const of = (text: string) => check({ id: 's', place: [9, 0], content: text, narration: {} })
  expect(of(content)).toHaveLength(1)
  expect(of(`${content} ${others}`)).toHaveLength(201)
  expect(cpu()).toBeLessThan(3_000)
})

it('knows the person of a point of view whose name another entry has too', () => {
  const entry = (id: string, fields: object) => ({
    ...{ ...entryFields({ name: 'Rose', ...fields }), id, novelId: 'n', version: 1 },
    ...{ createdAt: 0, updatedAt: 0 },
  })
  const codesOf = (content: string, ...others: ReturnType<typeof entry>[]) => {
    const check = sceneChecker({ entries: [entry('person', {}), ...others], places })
    const narration = { pov: 'third-limited', povCharacter: 'Rose' } as const
    return check({ id: 's', place: [9, 0], content, narration }).map(({ code }) => code)
  }
  const thing = entry('thing', { kind: 'thing' })
  expect(codesOf('Rose came in.', thing)).toEqual([])
  expect(codesOf('Nobody came.', thing)).toEqual(['VIEW_NOT_IN_TEXT'])
  const [ends = ''] = places.keys()
  expect(codesOf('Rose came in.', entry('late', { ends }))).toEqual([])
})

it('finds nothing without a codex, and in an empty scene', () => {
  const [scene] = book.scenes
  expect(
    sceneChecker({ entries: [], places })({
      ...scene,
      id: 's',
      place: [9, 0],
      content: 'Pell.',
      narration: { povCharacter: 'X' },
    }),
  ).toEqual([])
  expect(
    sceneChecker({ entries, places })({
      id: 's',
      place: [9, 0],
      content: ' ',
      narration: { povCharacter: 'X' },
    }),
  ).toEqual([])
})
