import { expect } from 'vitest'
import { type CodexFields, codexBounds, newCodexEntry } from '../../../src/novel/codex/entry.ts'
import { detectEntries, textAt } from '../../../src/novel/codex/select-entries.ts'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { everyItem } from '../../../src/task/page.ts'
import { ann, importBook, type LibraryCase } from './case.ts'

/** Fields of an entry. */
export function entryFields(fields: { name: string } & Partial<CodexFields>): CodexFields {
  return newCodexEntry.parse({ kind: 'person', ...fields })
}

async function listed(library: NovelLibrary, novelId: string) {
  const found = []
  for await (const entry of everyItem(2, page => library.codex.entries(ann, novelId, page))) found.push(entry)
  return found
}

/** What an author knows of the people, places and facts of a novel. */
export const codexCases: readonly LibraryCase[] = [
  {
    name: 'entries are added, listed in their order, and read with their notes',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      const from = sceneIdOf(novelId, 0, 0)
      const fields = entryFields({
        ...{
          name: '刘备',
          aliases: ['玄德', 'Liu Bei'],
          text: '仁厚。',
          note: 'Only for me.',
          matchCase: true,
        },
        ...{ exclusions: ['刘备墓'], relations: ['zhang'] },
        changes: [{ how: 'add', from, until: sceneIdOf(novelId, 2, 0), text: '有两个兄弟。' }],
      })
      t.now = 70
      const rest = ['zhang', 'guan'].map(id => ({ id, fields: entryFields({ name: id }) }))
      expect(await codex.add(ann, novelId, [{ id: 'liu', fields }, ...rest])).toEqual(
        new Set(['liu', 'zhang', 'guan']),
      )
      await t.reopen()
      const read = await t.library.codex.entry(ann, { novelId, entryId: 'liu' })
      expect(read).toEqual({ ...fields, id: 'liu', novelId, version: 1, createdAt: 70, updatedAt: 70 })
      expect((await listed(t.library, novelId)).map(({ id }) => id)).toEqual(['liu', 'zhang', 'guan'])
      expect((await t.library.shelf.novel(ann, novelId)).updatedAt).toBe(70)
      const [told] = await t.library.codex.all(ann, novelId)
      const { note: _, ...rests } = read
      expect(told).toEqual(rests)
    },
  },
  {
    name: 'entries that are added again are found as they are now',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      const entry = (id: string) => ({ id, fields: entryFields({ name: id }) })
      await codex.add(ann, novelId, [entry('one')])
      await codex.edit(ann, { novelId, entryId: 'one', expectedVersion: 1 }, { text: 'hers' })
      expect(await codex.add(ann, novelId, [entry('one'), entry('two')])).toEqual(new Set(['two']))
      await Promise.all(Array.from({ length: 8 }, (_, i) => codex.add(ann, novelId, [entry(`n${i % 4}`)])))
      const found = await listed(t.library, novelId)
      expect(found.map(({ id }) => id).sort()).toEqual(['n0', 'n1', 'n2', 'n3', 'one', 'two'])
      expect(found[0]).toMatchObject({ id: 'one', text: 'hers', version: 2 })
    },
  },
  {
    name: 'an edit names the version that was read, and overwrites no other',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      await codex.add(ann, novelId, [{ id: 'one', fields: entryFields({ name: 'One' }) }])
      const read = { novelId, entryId: 'one', expectedVersion: 1 }
      t.now = 80
      expect(await codex.edit(ann, read, { text: 'first' })).toEqual({ outcome: 'applied', version: 2 })
      expect(await codex.edit(ann, read, { text: 'second' })).toEqual({ outcome: 'conflict', version: 2 })
      // Sent again, an edit finds itself.
      expect(await codex.edit(ann, read, { text: 'first' })).toEqual({ outcome: 'applied', version: 2 })
      const edits = ['a', 'b', 'c'].map(text => codex.edit(ann, { ...read, expectedVersion: 2 }, { text }))
      const outcomes = (await Promise.all(edits)).map(({ outcome }) => outcome)
      expect(outcomes.sort()).toEqual(['applied', 'conflict', 'conflict'])
      expect(await codex.entry(ann, read)).toMatchObject({ version: 3, updatedAt: 80, name: 'One' })
      expect(await codex.remove(ann, read)).toEqual({ outcome: 'conflict', version: 3 })
    },
  },
  {
    name: 'what is removed is gone, with the relations to it',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      const related = (id: string, relations: string[]) => ({
        id,
        fields: entryFields({ name: id, relations }),
      })
      await codex.add(ann, novelId, [related('a', []), related('b', ['a', 'c']), related('c', ['b'])])
      const read = { novelId, entryId: 'a', expectedVersion: 1 }
      expect(await codex.remove(ann, read)).toEqual({ outcome: 'applied', version: 1 })
      expect(await codex.remove(ann, read)).toEqual({ outcome: 'applied', version: 1 })
      await expect(codex.entry(ann, read)).rejects.toMatchObject({ code: 'CODEX_ENTRY_NOT_FOUND' })
      const [b, c] = await listed(t.library, novelId)
      expect(b).toMatchObject({ id: 'b', relations: ['c'], version: 2 })
      expect(c).toMatchObject({ id: 'c', relations: ['b'], version: 1 })
    },
  },
  {
    name: 'an entry takes another one in, with its names, texts and relations; relations to that one lead to it',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      const add = (id: string, fields: Partial<CodexFields>) => ({
        id,
        fields: entryFields({ name: id, ...fields }),
      })
      const first = { how: 'add' as const, from: sceneIdOf(novelId, 0, 0), text: 'x' }
      await codex.add(ann, novelId, [
        add('berit', { aliases: ['Miss Hask'], text: 'A smith.', relations: ['hask'] }),
        add('hask', {
          aliases: ['Miss Hask', 'B.'],
          text: 'Owns a mill.',
          note: 'N.',
          relations: ['mill'],
          changes: [first],
        }),
        add('mill', { kind: 'place', relations: ['hask', 'berit'] }),
      ])
      const read = { novelId, entryId: 'berit', expectedVersion: 1 }
      const merge = (otherVersion: number, entryId = 'hask') =>
        codex.merge(ann, { ...read, other: { entryId, expectedVersion: otherVersion } })
      await expect(merge(1, 'berit')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      expect(await merge(7)).toEqual({ outcome: 'conflict', version: 1 })
      expect(await merge(1)).toEqual({ outcome: 'applied', version: 2 })
      const [berit, mill, ...none] = await listed(t.library, novelId)
      expect(none).toEqual([])
      expect(berit).toMatchObject({
        ...{ aliases: ['Miss Hask', 'hask', 'B.'], text: 'A smith.\n\nOwns a mill.', note: 'N.' },
        ...{ relations: ['mill'], changes: [first], version: 2 },
      })
      expect(mill).toMatchObject({ relations: ['berit'], version: 2 })
      await expect(merge(1)).rejects.toMatchObject({ code: 'CODEX_ENTRY_NOT_FOUND' })
      await codex.add(ann, novelId, [add('long', { text: 'x'.repeat(codexBounds.text) })])
      const tooLong = codex.merge(ann, {
        ...read,
        expectedVersion: 2,
        other: { entryId: 'long', expectedVersion: 1 },
      })
      await expect(tooLong).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      expect(await listed(t.library, novelId)).toHaveLength(3)
    },
  },
  {
    name: 'an entry that takes another one in is pinned to its scenes, and barred from them',
    async run(t) {
      const { codex, scenes } = t.library
      const novelId = await importBook(t.library, 'a')
      const of = [sceneIdOf(novelId, 0, 0), sceneIdOf(novelId, 0, 1), sceneIdOf(novelId, 2, 0)] as const
      const entry = (id: string) => ({ id, fields: entryFields({ name: id, text: `${id} is here.` }) })
      await codex.add(ann, novelId, [entry('edgar'), entry('stranger'), entry('rose')])
      const choices = [
        { pinned: [], barred: ['stranger'] },
        { pinned: ['edgar', 'rose'], barred: ['stranger'] },
        { pinned: ['stranger'], barred: ['rose'] },
      ]
      for (const [at, choice] of choices.entries())
        await scenes.editScene(ann, { sceneId: of[at] ?? '', expectedVersion: 1, codex: choice })
      const read = { novelId, entryId: 'edgar', expectedVersion: 1 }
      const merged = await codex.merge(ann, { ...read, other: { entryId: 'stranger', expectedVersion: 1 } })
      expect(merged.outcome).toBe('applied')
      const chosen = async (sceneId: string) => (await scenes.scene(ann, sceneId)).codex
      expect(await Promise.all(of.map(chosen))).toEqual([
        { pinned: [], barred: ['edgar'] },
        { pinned: ['rose'], barred: ['edgar'] },
        { pinned: ['edgar'], barred: ['rose'] },
      ])
      const at = await codex.atPlace(ann, of[0])
      const texts = [{ from: 'summary', text: 'Edgar, the stranger.' }] as const
      const { leftOut } = detectEntries({ ...at, texts, language: 'en' })
      expect(leftOut.find(({ id }) => id === 'edgar')?.reason).toBe('barred')
      const again = { sceneId: of[0], expectedVersion: 2, codex: { pinned: [], barred: [] } }
      expect(await scenes.editScene(ann, again)).toMatchObject({ outcome: 'conflict', version: 3 })
    },
  },
  {
    name: 'an entry that takes another one in says what both said at each scene, also where one of them is replaced',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      const scenes = [sceneIdOf(novelId, 0, 0), sceneIdOf(novelId, 0, 1), sceneIdOf(novelId, 2, 0)] as const
      const change = (how: 'add' | 'replace', at: 0 | 1 | 2, text: string) => ({
        how,
        from: scenes[at],
        text,
      })
      const entry = (id: string, text: string, changes: CodexFields['changes']) => {
        return { id, fields: entryFields({ name: id, text, changes }) }
      }
      await codex.add(ann, novelId, [
        entry('bob', 'A smith.', [change('add', 1, 'Is rich.'), change('replace', 2, 'Is dead.')]),
        entry('robert', 'Limps.', [change('replace', 1, 'Lost a leg.'), change('add', 2, 'Is famous.')]),
      ])
      const read = { novelId, entryId: 'bob', expectedVersion: 1 }
      const other = { entryId: 'robert', expectedVersion: 1 }
      expect(await codex.merge(ann, { ...read, other })).toMatchObject({ outcome: 'applied' })
      const said = async (scene: string) => {
        const at = await codex.atPlace(ann, scene)
        return at.entries.map(each => textAt(each, at).split(/\n+/u))
      }
      expect(await said(scenes[0])).toEqual([['A smith.', 'Limps.']])
      expect(await said(scenes[1])).toEqual([['A smith.', 'Is rich.', 'Lost a leg.']])
      expect(await said(scenes[2])).toEqual([['Is dead.', 'Lost a leg.', 'Is famous.']])
    },
  },
  {
    name: 'an entry is cut in two, once',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      await codex.add(ann, novelId, [
        { id: 'sisters', fields: entryFields({ name: 'Ann', aliases: ['Eve'] }) },
      ])
      const stays = { aliases: [], text: 'The elder.' }
      const into = { id: 'eve', fields: entryFields({ name: 'Eve', text: 'The younger.' }) }
      const split = { novelId, entryId: 'sisters', expectedVersion: 1, stays, into }
      expect(await codex.split(ann, { ...split, expectedVersion: 9 })).toEqual({
        outcome: 'conflict',
        version: 1,
      })
      for (const _ of [1, 2]) {
        expect(await codex.split(ann, split)).toEqual({ outcome: 'applied', version: 2 })
        expect(await listed(t.library, novelId)).toMatchObject([
          { name: 'Ann', aliases: [], text: 'The elder.', version: 2 },
          { name: 'Eve', text: 'The younger.', version: 1 },
        ])
      }
      const wrong = { ...split, expectedVersion: 2, into: { id: 'x', fields: { ...into.fields, name: '' } } }
      await expect(codex.split(ann, wrong)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      expect(await listed(t.library, novelId)).toHaveLength(2)
    },
  },
  {
    name: 'what is not taken is refused: other fields, scenes and entries of other novels, too many',
    async run(t) {
      const { codex } = t.library
      const novelId = await importBook(t.library, 'a')
      const other = await importBook(t.library, 'b')
      await codex.add(ann, other, [{ id: 'other', fields: entryFields({ name: 'Other' }) }])
      const add = (fields: Partial<CodexFields>, id = 'x') =>
        codex.add(ann, novelId, [{ id, fields: { ...entryFields({ name: 'X' }), ...fields } }])
      const [first, last] = [sceneIdOf(novelId, 0, 0), sceneIdOf(novelId, 2, 0)]
      const change = (from: string, until?: string) => ({
        changes: [{ how: 'replace' as const, from, ...(until && { until }), text: 'x' }],
      })
      const refused = [
        [() => add({ name: 'a\nb' }), 'OPTION_INVALID'],
        [() => add({ text: 'x'.repeat(codexBounds.text + 1) }), 'OPTION_INVALID'],
        [() => add({}, 'no id'), 'OPTION_INVALID'],
        [() => add({}, 'other'), 'OPTION_INVALID'],
        [() => add(change(last, first)), 'OPTION_INVALID'],
        [() => add(change('nowhere')), 'SCENE_NOT_FOUND'],
        [() => add(change(first, sceneIdOf(other, 0, 0))), 'SCENE_NOT_FOUND'],
        [() => add({ relations: ['other'] }), 'CODEX_ENTRY_NOT_FOUND'],
        [() => codex.entries('bob', novelId, { pageSize: 1 }), 'NOVEL_NOT_FOUND'],
        [() => codex.entry('bob', { novelId: other, entryId: 'other' }), 'CODEX_ENTRY_NOT_FOUND'],
        [() => codex.entry(ann, { novelId, entryId: 'other' }), 'CODEX_ENTRY_NOT_FOUND'],
        [() => codex.atPlace('bob', first), 'SCENE_NOT_FOUND'],
      ] as const
      for (const [call, code] of refused) await expect(call()).rejects.toMatchObject({ code })
      const many = Array.from({ length: codexBounds.entries }, (_, i) => ({
        id: `n${i}`,
        fields: entryFields({ name: `N ${i}` }),
      }))
      await codex.add(ann, novelId, many.slice(0, 880))
      const more = many.slice(0, 200).map(each => ({ ...each, id: `more-${each.id}` }))
      await expect(codex.add(ann, novelId, more)).rejects.toMatchObject({ code: 'CODEX_FULL' })
      expect(await codex.all(ann, novelId)).toHaveLength(880)
      expect((await codex.add(ann, novelId, many)).size).toBe(120)
      await expect(add({})).rejects.toMatchObject({ code: 'CODEX_FULL' })
      expect(await codex.add(ann, novelId, many.slice(5, 9))).toEqual(new Set())
    },
  },
  {
    name: 'a scene has the places that changes name, and a removed novel leaves no entry',
    async run(t) {
      const { codex, shelf } = t.library
      const novelId = await importBook(t.library, 'a')
      const [from, until] = [sceneIdOf(novelId, 0, 1), sceneIdOf(novelId, 2, 1)]
      const changes = [{ how: 'add' as const, from, until, text: 'x' }]
      await codex.add(ann, novelId, [{ id: 'x', fields: entryFields({ name: 'X', changes }) }])
      const at = await codex.atPlace(ann, sceneIdOf(novelId, 2, 0))
      expect(at.place).toEqual([2, 0])
      expect(at.places).toEqual(
        new Map([
          [from, [0, 1]],
          [until, [2, 1]],
        ]),
      )
      expect(at.entries.map(({ id }) => id)).toEqual(['x'])
      while ((await shelf.remove(ann, novelId, 1)) === 'more') {}
      await importBook(t.library, 'a')
      expect(await codex.all(ann, novelId)).toEqual([])
    },
  },
]
