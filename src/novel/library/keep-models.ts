/** Models that people set up: one record for all of them. */
import { getOne, insert, replace } from '../../records/records.ts'
import { keptModels, type LibraryParts } from './kinds.ts'
import type { ModelStore } from './models.ts'

/** The models of a library. */
export function modelStore({ records }: Pick<LibraryParts, 'records'>): ModelStore {
  const held = () => getOne(records, keptModels, 'models')
  return {
    async read() {
      const { version, models } = (await held()) ?? { version: 0, models: [] }
      return { version, models }
    },
    async write(models, expectedVersion) {
      const seen = await held()
      if ((seen?.version ?? 0) !== expectedVersion) return 'conflict'
      const version = expectedVersion + 1
      const change =
        seen === undefined
          ? insert(keptModels, { id: 'models', version, models })
          : replace(keptModels, { ...seen, version, models })
      return (await records.commit([change])) === 'applied' ? 'applied' : 'conflict'
    },
  }
}
