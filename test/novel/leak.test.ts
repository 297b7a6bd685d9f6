import { readFileSync } from 'node:fs'
import { updateSummaries } from 'quillwork/novel'
import { describe, expect, it } from 'vitest'
import { leakOf } from '../../scripts/leak.mjs'
import { unitsOf } from '../../src/novel/checks/repetition.ts'
import { codexBounds, newCodexEntry } from '../../src/novel/codex/entry.ts'
import { fitMaterial } from '../../src/novel/models/context.ts'
import { readMaterial } from '../../src/novel/models/scene-material.ts'
import { findNames } from '../../src/novel/names.ts'
import { threadBounds, threadToWrite } from '../../src/novel/threads/thread.ts'
import { ann, type NovelEngine, novelEngine } from './tasks/novel-engine.ts'

const product = { readMaterial, fitMaterial, unitsOf, findNames }
const tokens = 8_000

async function sample(n: NovelEngine, name: string) {
  const novelId = await n.importText(
    readFileSync(new URL(`../../samples/${name}.txt`, import.meta.url), 'utf8'),
  )
  const task = await n.t.submit(updateSummaries, { novelId }, { userId: ann })
  await n.t.drain()
  await task.result()
  return novelId
}

/** Notes each person in the codex, with what each scene that names them says of them, from that scene on. */
async function noteAll(n: NovelEngine, novelId: string) {
  const scenes = await n.scenes(novelId)
  const { people } = findNames(scenes.map(({ content }) => content))
  const entries = people.map((name, at) => ({
    id: `person-${at}`,
    fields: newCodexEntry.parse({
      kind: 'person',
      name,
      text: 'Of this book.',
      changes: scenes
        .filter(({ content }) => content.includes(name))
        .slice(0, codexBounds.changes)
        .map(({ id: from, content }) => ({
          from,
          how: 'add',
          text: content.slice(content.indexOf(name), content.indexOf(name) + 300),
        })),
    }),
  }))
  await n.library.codex.add(ann, novelId, entries)
}

/** Follows each person as a thread: planted where the text first has the name, advanced where it has it again, resolved in the last such scene. */
async function followAll(n: NovelEngine, novelId: string) {
  const scenes = await n.scenes(novelId)
  const { people } = findNames(scenes.map(({ content }) => content))
  for (const [at, name] of people.entries()) {
    const having = scenes.filter(({ content }) => content.includes(name)).slice(0, threadBounds.events)
    const events = having.map(({ id: scene, content }, place) => ({
      scene,
      kind:
        place === 0
          ? ('planted' as const)
          : place === having.length - 1
            ? ('resolved' as const)
            : ('advanced' as const),
      quotation: content.slice(content.indexOf(name)).slice(0, 200),
    }))
    const fields = threadToWrite.parse({ title: name, plan: 'To be told.', events })
    const read = { novelId, threadId: `person-${at}`, expectedVersion: 0 }
    expect(await n.library.threads.put(ann, read, fields)).toMatchObject({ outcome: 'applied' })
  }
}

describe('what a prompt shows of the novel', () => {
  it.each(['the-salt-ledger', 'the-ferry-clock'])(
    'tells no run and no name of later scenes: %s',
    async name => {
      await using n = await novelEngine()
      const novelId = await sample(n, name)
      await noteAll(n, novelId)
      await followAll(n, novelId)
      const leak = await leakOf(product, { services: n.services, userId: ann, novelId, tokens })
      expect(leak).toMatchObject({ runs: [], names: [] })
      const [, second] = await n.scenes(novelId)
      const at = { novelId, before: second?.id ?? '', about: '', said: [], language: 'en', tokens } as const
      const reader = { services: n.services, userId: ann, signal: new AbortController().signal }
      const material = await readMaterial(reader, { ...at, scenesBefore: 2 })
      expect(material.threads.length).toBeGreaterThan(0)
      expect(material.leftOut.threads?.map(({ reason }) => reason)).toContain('not-planted')
      // It does show what was before.
      expect(leak.shown / leak.scenes).toBeGreaterThan(200)
    },
  )

  it('is measured: a text of a later scene that is shown counts, as does a name', async () => {
    await using n = await novelEngine()
    const novelId = await sample(n, 'the-salt-ledger')
    const scenes = await n.scenes(novelId)
    const [text = ''] = scenes.slice(-1).map(({ content }) => content)
    const told: typeof readMaterial = async (reader, request) => ({
      ...(await readMaterial(reader, request)),
      names: [{ text: text.slice(0, 1_000), source: { of: 'name', id: 'x', title: 'x' } }],
    })
    const leak = await leakOf(
      { ...product, readMaterial: told },
      { services: n.services, userId: ann, novelId, tokens },
    )
    expect(leak.runs.length).toBeGreaterThan(100)
    expect(new Set(leak.runs.map(({ sceneId }) => sceneId)).size).toBe(scenes.length - 1)
    expect(leak.names.map(({ name }) => name)).toContain('Mr. Loxley')
  })
})
