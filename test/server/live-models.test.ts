import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NovelLibrary } from '../../src/novel/library/library.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { resolveConfig } from '../../src/server/config.ts'
import { LiveModels } from '../../src/server/live-models.ts'
import { onEachStore } from '../models/compositions.ts'
import { startModelServer } from '../models/server.ts'

const key = 'sk-s3cret-0123456789'
const secret = 'a-long-random-secret'
const local = {
  provider: 'openai-compatible',
  model: 'scripted',
  privateNetwork: true,
  baseUrl: 'http://127.0.0.1:9/v1',
}

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'quillwork-live-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

for (const { name, describe, place } of onEachStore) {
  describe(`models that are kept, on ${name}`, () => {
    const home = place()
    let library: NovelLibrary
    beforeEach(async () => {
      const store = home.open(Date.now)
      library = home.library()
      await store.open?.()
      return async () => {
        await store.tasks.close()
        await home.remove()
      }
    })

    /** The models of a process with a data directory of its own, or a shared one. */
    function process(env: Record<string, string> = {}, { folder = 'data', isShared = false } = {}) {
      const data = path.join(cwd, folder)
      const { config } = resolveConfig({ flags: { data }, env, cwd })
      return new LiveModels({ config, log: silentLog, store: library.models, isShared })
    }

    test('are used by the process that keeps them at once, and by others once they look', async () => {
      await using server = await startModelServer({ keys: [key] })
      const env = { QUILLWORK_SECRET: secret }
      const one = process(env, { folder: 'one', isShared: true })
      const other = process(env, { folder: 'other', isShared: true })
      expect(() => one.catalogue.languageModel('prose')).toThrow('No model that writes prose')
      const limits = { requestsPerMinute: 7 }
      const fields = { ...local, baseUrl: server.url, limits }
      const list = await one.save('writer', { fields, key }, 0)
      expect(list).toMatchObject({
        version: 1,
        items: [{ id: 'writer', fields, isOverruled: false, key: { lastCharacters: '6789' } }],
      })
      await other.refresh()
      for (const { catalogue, limits: now } of [one, other]) {
        const model = catalogue.languageModel('prose')
        expect((await model.write({ prompt: 'A lantern', maxOutputTokens: 50 })).text).not.toBe('')
        expect([...now.keys()]).toEqual([model.limit])
        expect(now.get(model.limit)).toEqual(limits)
      }
      expect(server.ledger.calls.map(call => call.key)).toEqual([key, key])
      const kept = JSON.stringify([await library.models.read(), list, one.catalogue.models()])
      expect(kept).not.toContain(key)
      await other.remove('writer', 1)
      await one.refresh()
      expect(() => one.catalogue.languageModel('prose')).toThrow('No model that writes prose')
      expect([...one.limits.keys()]).toEqual([])
    })

    test('are changed over the version that was read, and no other', async () => {
      const one = process()
      const other = process()
      await one.save('a', { fields: local }, 0)
      await expect(other.save('b', { fields: local }, 0)).rejects.toMatchObject({
        code: 'KEPT_MODELS_CHANGED',
        details: { version: 1 },
      })
      await other.save('b', { fields: local }, 1)
      expect((await one.prefer('b', 2)).items.map(({ id }) => id)).toEqual(['b', 'a'])
      expect(one.catalogue.languageModel('prose').id).toBe('b')
      await expect(one.remove('c', 3)).rejects.toMatchObject({ code: 'KEPT_MODEL_NOT_FOUND' })
    })

    test('have keys under the key of a file beside the data, without which they are not used and say so', async () => {
      const one = process()
      await one.save('writer', { fields: local, key }, 0)
      const folder = path.join(cwd, 'data')
      const files = readdirSync(folder).map(file => readFileSync(path.join(folder, file), 'utf8'))
      expect(files.join() + JSON.stringify(await library.models.read())).not.toContain(key)
      const again = process()
      await again.refresh()
      expect(again.catalogue.languageModel('prose').id).toBe('writer')
      writeFileSync(path.join(folder, 'model-keys.json'), JSON.stringify({ key: `${'A'.repeat(43)}=` }))
      const later = process()
      await later.refresh()
      expect(later.catalogue.models().find(({ id }) => id === 'writer')?.problem).toMatchObject({
        cause: 'KEYS_UNREADABLE',
        key: 'kept:writer',
      })
      expect((await later.list()).items[0]?.problem).toContain('Give the key again')
      await later.save('writer', { fields: local, key: `${key}-new` }, 1)
      expect(later.catalogue.languageModel('prose').id).toBe('writer')
    })

    test('keep no key where processes share the store without a secret', async () => {
      const one = process({}, { isShared: true })
      await expect(one.save('writer', { fields: local, key }, 0)).rejects.toMatchObject({
        code: 'KEPT_MODELS_UNAVAILABLE',
        message: expect.stringContaining('QUILLWORK_SECRET'),
      })
      await one.save('writer', { fields: local }, 0)
      expect(one.catalogue.languageModel('prose').id).toBe('writer')
    })

    test('send a key nowhere but where it was given for', async () => {
      await using thief = await startModelServer()
      const one = process()
      await one.save('writer', { fields: local, key }, 0)
      const moved = { fields: { ...local, baseUrl: thief.url } }
      const again = { code: 'REQUEST_INVALID', message: expect.stringContaining('give the key again') }
      await expect(one.save('writer', moved, 1)).rejects.toMatchObject(again)
      await expect(one.test('writer', moved, new AbortController().signal)).rejects.toMatchObject(again)
      const withoutKey = await one.save('writer', { ...moved, key: null }, 1)
      expect(withoutKey.items[0]?.key).toBeUndefined()
      await one.catalogue.languageModel('prose').write({ prompt: 'A lantern', maxOutputTokens: 50 })
      expect(thief.ledger.calls.map(call => call.key)).toEqual([''])
    })

    test('give way to those of the configuration', async () => {
      await process().save('writer', { fields: { ...local, model: 'kept' } }, 0)
      const env = { QUILLWORK_MODELS: JSON.stringify({ writer: { ...local, model: 'configured' } }) }
      const configured = process(env)
      await configured.save('other', { fields: local }, 1)
      expect((await configured.list()).items).toMatchObject([
        { id: 'writer', isOverruled: true },
        { id: 'other', isOverruled: false },
      ])
      expect(configured.catalogue.models().map(({ id, model }) => [id, model])).toEqual([
        ['extractive', 'extractive'],
        ['writer', 'configured'],
        ['other', 'scripted'],
      ])
      await expect(configured.save('writer', { fields: local }, 2)).rejects.toThrow('Change it there')
      const off = process({ QUILLWORK_KEEP_MODELS: 'false' })
      await off.refresh()
      expect(off.catalogue.models().map(({ id }) => id)).toEqual(['extractive'])
      await expect(off.save('x', { fields: local }, 2)).rejects.toMatchObject({
        code: 'KEPT_MODELS_UNAVAILABLE',
      })
    })

    test('that were changed or removed have a limit for the attempts that began with them', async () => {
      const one = process()
      const limits = { requestsPerMinute: 7 }
      await one.save('writer', { fields: { ...local, limits } }, 0)
      const { limit: before } = one.catalogue.languageModel('prose')
      await one.save('writer', { fields: { ...local, model: 'other' } }, 1)
      const { limit: now } = one.catalogue.languageModel('prose')
      expect(now).not.toBe(before)
      expect([...one.limits.keys()]).toEqual([now])
      expect(one.limits.get(before)).toEqual(limits)
      await one.remove('writer', 2)
      expect(one.limits.get(now)).toEqual({})
    })

    test('have their limits beside a model of the configuration that is the same and has none', async () => {
      const env = { QUILLWORK_MODELS: JSON.stringify({ house: local }) }
      const one = process(env)
      const { limit } = one.catalogue.languageModel('prose', 'house')
      expect(one.limits.get(limit)).toEqual({})
      const limits = { requestsPerMinute: 10 }
      await one.save('cheap', { fields: { ...local, limits } }, 0)
      expect(one.limits.get(limit)).toEqual(limits)
      const own = { ...env, QUILLWORK_LIMITS: JSON.stringify({ [limit]: { concurrency: 1 } }) }
      const limited = process(own)
      await limited.refresh()
      expect(limited.limits.get(limit)).toEqual({ concurrency: 1 })
    })

    test('are refused with every field that is wrong, and where they do not fit together', async () => {
      const one = process()
      const wrong = { provider: 'openai', model: '', temperature: 3 }
      await expect(one.save('a', { fields: wrong, key }, 0)).rejects.toMatchObject({
        details: { issues: [{ pointer: '/model' }, { pointer: '/temperature' }] },
      })
      await expect(one.save('extractive', { fields: local }, 0)).rejects.toThrow('is taken')
      const priced = (currency: string) => ({ ...local, price: { input: 1, output: 2, currency } })
      await one.save('a', { fields: { ...priced('EUR'), model: 'one' } }, 0)
      await expect(one.save('b', { fields: priced('USD') }, 1)).rejects.toThrow('one currency')
      const falls = { ...local, fallbacks: [{ model: 'a', on: ['MODEL_UNAVAILABLE'] }] }
      await one.save('b', { fields: falls }, 1)
      await expect(one.remove('a', 2)).rejects.toThrow('There is no model "a"')
      // A configuration that came later wins; what does not fit any more is left out.
      const env = { QUILLWORK_MODELS: JSON.stringify({ house: { ...priced('CNY'), model: 'x' } }) }
      const later = process(env)
      await later.refresh()
      expect((await later.list()).items.map(({ problem }) => problem !== undefined)).toEqual([true, true])
      expect(later.catalogue.languageModel('prose').id).toBe('house')
    })
  })
}
