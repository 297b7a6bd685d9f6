import { expect } from 'vitest'
import { ann, importBook, type LibraryCase } from './case.ts'

/** A prompt that can be used. */
export const ownPrompt = {
  ...({ name: 'summarise-scene', language: 'en' } as const),
  text: '# System\n\nBe brief.\n\n# Prompt\n\n{{length}} {{style}}\n{{text}}\n',
}

/** The own prompts of novels. */
export const promptCases: readonly LibraryCase[] = [
  {
    name: 'a novel has prompts of its own, each change over the version of all that was read, and they go with it',
    async run(t) {
      const novelId = await importBook(t.library, 'a')
      const read = () => t.library.prompts.read(ann, novelId)
      const set = (change: object, expectedVersion: number) =>
        t.library.prompts.set(ann, novelId, { ...ownPrompt, ...change, expectedVersion })
      expect(await read()).toEqual({ version: 0, prompts: [] })
      expect(await set({}, 0)).toEqual({ outcome: 'applied', version: 1 })
      expect(await set({}, 0)).toEqual({ outcome: 'applied', version: 1 })
      expect(await set({ text: `${ownPrompt.text}!` }, 0)).toEqual({ outcome: 'conflict', version: 1 })
      expect(await set({ language: 'zh' }, 1)).toEqual({ outcome: 'applied', version: 2 })
      await t.reopen()
      expect(await read()).toEqual({ version: 2, prompts: [ownPrompt, { ...ownPrompt, language: 'zh' }] })
      const both = await Promise.all([set({ text: undefined }, 2), set({ text: `${ownPrompt.text}!` }, 2)])
      expect(both.map(({ outcome }) => outcome).sort()).toEqual(['applied', 'conflict'])
      expect(await set({ language: 'zh', text: undefined }, 3)).toEqual({ outcome: 'applied', version: 4 })
      await expect(set({ text: ownPrompt.text.replace('{{style}}', '{{mood}}') }, 4)).rejects.toMatchObject({
        code: 'PROMPT_INVALID',
        details: { prompt: 'summarise-scene.en' },
      })
      await expect(t.library.prompts.read('bob', novelId)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      while ((await t.library.shelf.remove(ann, novelId)) === 'more') {}
      await importBook(t.library, 'a')
      expect(await read()).toEqual({ version: 0, prompts: [] })
    },
  },
]
