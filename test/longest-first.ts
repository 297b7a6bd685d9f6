import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Tests of whole processes, in a browser and on several servers take by far the longest; the last file to begin should be a short one. */
const weights: readonly [RegExp, number][] = [
  [/^test\/(faults|pages|process|models)\//, 3],
  [/^test\/(distributed|broker|docs|servers|examples)\//, 2],
]

/** Projects whose files share processes: only side by side can they. The quickest are last. */
const order = ['main', 'mongodb', 'units']

/**
 * Begins with the files that take longest: as the last run on this machine timed them, else as their folder and size let one expect.
 * Project by project.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const keys = new Map(files.map(file => [file, this.#key(file)]))
    return [...files].sort((a, b) => {
      const [left, right] = [keys.get(a) ?? [], keys.get(b) ?? []]
      const at = left.findIndex((part, index) => part !== right[index])
      return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0)
    })
  }

  /** What files are ordered by, the smallest first. */
  #key({ moduleId, project }: TestSpecification): number[] {
    const path = moduleId.slice(this.ctx.config.root.length + 1)
    const cached = `${project.name}:${path}`
    const timed = this.ctx.cache.getFileTestResults(cached)?.duration
    const size = this.ctx.cache.getFileStats(cached)?.size ?? 0
    const weight = weights.find(([folder]) => folder.test(path))?.[1] ?? 1
    return [order.indexOf(project.name), timed === undefined ? 0 : 1, -(timed ?? size * weight)]
  }
}
