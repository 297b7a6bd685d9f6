import { novelIsReference } from './library/refusal.ts'
import type { NovelAbout } from './library/shelf.ts'
import { type NovelServices, unlessFailed } from './services.ts'

/** Who asks to have something written. */
interface Asker {
  readonly userId: string
  readonly services: Pick<NovelServices, 'library'>
}

/** Returns what is known of a novel in which models may write. Throws NOVEL_NOT_FOUND, NOVEL_IS_REFERENCE. */
export async function aboutWritable({ userId, services }: Asker, novelId: string): Promise<NovelAbout> {
  const novel = await services.library.shelf.about(userId, novelId)
  if (novel.reference === true) throw novelIsReference(novelId, 'so no model writes in it')
  return novel
}

/** Throws NOVEL_IS_REFERENCE where no model may write in a novel. One that is not there is found missing by whoever reads it. */
export async function refuseReference(asker: Asker, novelId: string): Promise<void> {
  await unlessFailed('NOVEL_NOT_FOUND', () => aboutWritable(asker, novelId))
}
