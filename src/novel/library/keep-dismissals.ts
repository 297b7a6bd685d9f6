/** What authors have dismissed of a novel: one record each, guarded by the novel, which they do not outlive. */
import { hashedId } from '../../index.ts'
import { erase, replace, write } from '../../records/records.ts'
import { type CodexStore, type Dismissal, mostDismissals } from './codex.ts'
import { type DismissalRecord, dismissals, type LibraryParts, novels, ownNovel } from './kinds.ts'
import { codexFull } from './refusal.ts'

/** The dismissals of a library. */
export function dismissalStore(
  library: LibraryParts,
): Pick<CodexStore, 'dismissals' | 'dismiss' | 'restore'> {
  const { records, now } = library
  const all = (novelId: string) => records.find(dismissals, { equal: { novelId }, order: ['id'] })
  return {
    async dismissals(userId, novelId) {
      await ownNovel(library, userId, novelId)
      return (await all(novelId)).map(({ key, what, reason, at }) => ({ key, what, reason, at }))
    },
    async dismiss(userId, novelId, given) {
      for (;;) {
        const novel = await ownNovel(library, userId, novelId)
        const id = dismissalIdOf(novelId, given)
        const others = (await all(novelId)).filter(each => each.id !== id)
        if (others.length >= mostDismissals) throw codexFull(novelId, mostDismissals)
        const record: DismissalRecord = { ...given, id, novelId, at: now() }
        const changes = [replace(novels, novel), ...write(dismissals, [record])]
        if ((await records.commit(changes)) === 'applied') return
      }
    },
    async restore(userId, novelId, given) {
      await ownNovel(library, userId, novelId)
      await records.commit(erase(dismissals, [dismissalIdOf(novelId, given)]))
    },
  }
}

/** The id of the dismissal of something. */
export function dismissalIdOf(novelId: string, { what, key }: Pick<Dismissal, 'key' | 'what'>): string {
  return hashedId(['dismissal', novelId, what, key].join('\n'))
}
