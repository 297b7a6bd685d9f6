import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { z } from 'zod'
import { defineTask } from '../../dist/index.js'
import { openEngine } from '../engine.mjs'
import { keepInFlight, median, WIDTH } from '../load.mjs'

/**
 * Microseconds of a reservation and its settlement under a budget, one at a time: of the first trees, and after many more trees have reserved
 * within the same minute.
 */
export async function reserve({ directory, trees, samples }) {
  let took = []
  const spend = defineTask({
    type: 'Spend',
    parameters: z.object({ times: z.number() }),
    result: z.null(),
    async execute(ctx) {
      for (let time = 0; time < ctx.parameters.times; time++) {
        const begin = performance.now()
        const hold = await ctx.reserve({ tokens: 1 })
        await hold.commit({ tokens: 1 })
        took.push((performance.now() - begin) * 1_000)
      }
      return null
    },
  })
  const engine = await openEngine({ file: join(directory, 'reserve.db'), tasks: [spend] })
  const spendOf = async times => {
    const handle = await engine.submit(spend, { times }, { budget: { tokens: 1_000_000 } })
    await handle.result()
  }
  const one = () => spendOf(1)
  const medianOfSome = async () => {
    took = []
    await keepInFlight(samples, 1, one)
    return median(took)
  }
  await engine.start()
  // One tree warms up what all run through.
  await spendOf(trees)
  await keepInFlight(samples, 1, one)
  const firstUs = await medianOfSome()
  await keepInFlight(trees, WIDTH, one)
  const laterUs = await medianOfSome()
  await engine[Symbol.asyncDispose]()
  return { firstUs, laterUs, ratio: laterUs / firstUs }
}
