import { z } from 'zod'
import type { ModelCatalogue } from '../../src/ai/catalogue.ts'
import { defineTask } from '../../src/index.ts'

/**
 * The smallest task that calls a model as the tasks of the novel do: budget, limit, call, what it really used. One call per prompt, each
 * kept before the next begins.
 */
export const ask = defineTask.withServices<{ models: Pick<ModelCatalogue, 'languageModel'> }>()({
  type: 'Ask',
  parameters: z.object({ model: z.string(), prompts: z.array(z.string()).min(1) }),
  result: z.object({ texts: z.array(z.string()) }),
  async execute(ctx) {
    const { prompts } = ctx.parameters
    const model = ctx.services.models.languageModel('prose', ctx.parameters.model)
    const texts: string[] = []
    for (const [place, prompt] of prompts.entries()) {
      const text = await ctx.checkpoint(`prompt ${place}`, async () => {
        const estimate = model.countTokens(prompt) + model.maxOutputTokens
        await model.prepare?.()
        const hold = await ctx.reserve({ tokens: estimate })
        const permit = await ctx.acquire(model.limit, estimate)
        const { text: written, usage } = await model.write(
          { prompt, maxOutputTokens: model.maxOutputTokens },
          { signal: ctx.signal, onText: stretch => ctx.write(stretch) },
        )
        const tokens = usage.inputTokens + usage.outputTokens
        permit.commit(tokens)
        await hold.commit({ tokens })
        await ctx.addUsage(usage)
        return written
      })
      texts.push(text)
    }
    return { texts }
  },
})
