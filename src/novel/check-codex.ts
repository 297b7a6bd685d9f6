import { hashedId } from '../index.ts'
import { defined } from '../task/defined.ts'
import { readContradictions } from './codex/read-contradictions.ts'
import {
  type Reading,
  type ReadingContext,
  readingTask,
  readScenes,
  type SceneReader,
} from './codex/scene-reading.ts'
import { betweenEntries, detectEntries, fitEntries, textAt } from './codex/select-entries.ts'
import { narrationOf } from './narration.ts'
import { promptLanguageOf } from './prompts/prompts.ts'
import { defineNovelTask, modelsOf, promptsFor, timed } from './services.ts'

/**
 * Has a model compare each scene of a novel with the entries of the codex that it mentions, as they are at its place. What it finds is kept where code finds both
 * of its quotations: in the text, and in the entry. No text and no entry is changed.
 */
export const checkCodex = defineNovelTask({
  type: 'CheckCodex',
  ...readingTask,
  execute: (ctx: ReadingContext) =>
    timed(async () => readScenes(ctx, await contradictionsReading(ctx, ctx.parameters))),
})

/** Most tokens of the entries that a scene is compared with, and the most of the window of the model. */
const mostEntries = { tokens: 4_000, ofWindow: 0.25 }

/** Returns how scenes are compared with the codex. */
export async function contradictionsReading(
  asker: Pick<ReadingContext, 'userId' | 'services'>,
  { novelId, model: id }: { novelId: string; model?: string | undefined },
): Promise<Reading<'contradictions'>> {
  const { userId, services } = asker
  const { shelf, codex } = services.library
  const [{ language: declared }, usual, { entries, places }, prompts] = await Promise.all([
    shelf.about(userId, novelId),
    shelf.narration(userId, novelId),
    codex.atPlace(userId, { endOf: novelId }),
    promptsFor(asker, novelId),
  ])
  const model = modelsOf(asker).languageModel('summary', id)
  const most = Math.min(mostEntries.tokens, Math.floor(model.contextTokens * mostEntries.ofWindow))
  const reader: SceneReader<'contradictions'> = {
    what: 'contradictions',
    prompt: 'check-codex',
    answerTokens: 800,
    question({ content, textVersion, chapterPosition, position, narration, codex: chosen }) {
      const place = [chapterPosition, position] as const
      const { povCharacter = '' } = narrationOf(narration, usual)
      const detected = detectEntries({
        ...{ entries, place, places, language: promptLanguageOf(declared ?? ''), ...defined({ chosen }) },
        texts: [
          { from: 'pov', text: povCharacter },
          { from: 'textBefore', text: content },
        ],
      })
      const { told } = fitEntries(detected, most, text => model.countTokens(text))
      if (told.length === 0) return undefined
      const shown = told.map(({ text }) => text).join(betweenEntries)
      const ids = new Set(told.map(each => each.id))
      const compared = entries
        .filter(entry => ids.has(entry.id))
        .map(entry => ({ ...entry, text: textAt(entry, { place, places }) }))
      return {
        of: `text ${textVersion}, codex ${hashedId(shown)}`,
        slots: { codex: shown },
        read: answer => readContradictions(answer, { text: content, entries: compared }),
      }
    },
  }
  return { userId, services, reader, model, prompts, declared }
}
