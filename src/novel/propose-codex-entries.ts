import { entryMerger, entryNames } from './codex/proposals.ts'
import { readEntries } from './codex/read-entries.ts'
import {
  type Reading,
  type ReadingContext,
  readingTask,
  readScenes,
  type SceneReader,
} from './codex/scene-reading.ts'
import { defineNovelTask, modelsOf, promptsFor, timed } from './services.ts'

/**
 * Has a model read the scenes of a novel for people, places, things and facts that its codex could have. What it names with a quotation that the text has is
 * kept as a proposal, beside the codex: the author accepts it, changes it or ignores it.
 */
export const proposeCodexEntries = defineNovelTask({
  type: 'ProposeCodexEntries',
  ...readingTask,
  execute: (ctx: ReadingContext) =>
    timed(async () => readScenes(ctx, await entriesReading(ctx, ctx.parameters))),
})

/** Returns how scenes are read for entries. */
export async function entriesReading(
  asker: Pick<ReadingContext, 'userId' | 'services'>,
  { novelId, model }: { novelId: string; model?: string | undefined },
): Promise<Reading<'entries'>> {
  const { userId, services } = asker
  const { language: declared } = await services.library.shelf.about(userId, novelId)
  const entries = await services.library.codex.all(userId, novelId)
  const found = entryMerger()
  for await (const reading of services.library.readings.all(userId, novelId, 'entries')) found.add(reading)
  const known = entryNames([...entries, ...found.entries])
  const reader: SceneReader<'entries'> = {
    what: 'entries',
    prompt: 'propose-entries',
    answerTokens: 1_500,
    question: ({ content, textVersion }) => ({
      of: `text ${textVersion}`,
      slots: {
        known: known.find(content).join('\n'),
      },
      read: answer => readEntries(answer, content),
    }),
    kept(reading) {
      if (reading.items.length === 0) return
      const before = new Set(found.entries)
      found.add(reading)
      known.add(found.entries.filter(each => !before.has(each)))
    },
  }
  const prompts = await promptsFor(asker, novelId)
  return {
    userId,
    services,
    reader,
    prompts,
    model: modelsOf(asker).languageModel('summary', model),
    declared,
  }
}
