/** The own prompts of novels: one record for all of a novel. */
import { getOne, insert, replace } from '../../records/records.ts'
import { readOwnPrompt } from '../prompts/prompts.ts'
import { type LibraryParts, novelPrompts, novels, ownNovel } from './kinds.ts'
import type { PromptStore } from './prompts.ts'

/** The own prompts of the novels of a library. */
export function promptStore(library: LibraryParts): PromptStore {
  const { records, now } = library
  return {
    async read(userId, novelId) {
      await ownNovel(library, userId, novelId)
      const { version, prompts } = (await getOne(records, novelPrompts, novelId)) ?? none
      return { version, prompts }
    },
    // The guard of the novel keeps the record from outliving it.
    async set(userId, novelId, { name, language, text, expectedVersion }) {
      if (text !== undefined) readOwnPrompt({ name, language, text }, 'novel')
      for (;;) {
        const novel = await ownNovel(library, userId, novelId)
        const held = await getOne(records, novelPrompts, novelId)
        const { version, prompts } = held ?? none
        const isIt = (one: { name: string; language: string }) =>
          one.name === name && one.language === language
        // Sent again, because its answer was lost, a change finds itself.
        if (prompts.find(isIt)?.text === text) return { outcome: 'applied', version }
        if (version !== expectedVersion) return { outcome: 'conflict', version }
        const others = prompts.filter(one => !isIt(one))
        const next = {
          ...{ id: novelId, version: version + 1 },
          prompts: text === undefined ? others : [...others, { name, language, text }],
        }
        const put =
          held === undefined
            ? insert(novelPrompts, next)
            : replace(novelPrompts, { ...next, revision: held.revision })
        if ((await records.commit([replace(novels, { ...novel, updatedAt: now() }), put])) === 'applied')
          return { outcome: 'applied', version: next.version }
      }
    },
  }
}

const none = { version: 0, prompts: [] } as const
