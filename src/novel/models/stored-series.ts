import type { TaskContext } from '../../index.ts'

const nothingStored = new Error('There is no such checkpoint.')

/** Values that were kept under the keys for 0, 1, 2 and so on, up to the first key that has none. Keeps nothing itself. */
export async function storedSeries<T>(
  ctx: Pick<TaskContext, 'checkpoint'>,
  keyFor: (number: number) => string,
): Promise<T[]> {
  const values: T[] = []
  for (;;) {
    try {
      // A step that fails stores nothing: this only reads.
      const value = await ctx.checkpoint<T>(keyFor(values.length), () => {
        throw nothingStored
      })
      values.push(value)
    } catch (error) {
      if (error === nothingStored) return values
      throw error
    }
  }
}
