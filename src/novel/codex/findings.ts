/** What speaks against the codex of a novel, page by page: what code finds without a model, and what models found when they read the scenes. */
import { defined } from '../../task/defined.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import type { CodexAtPlace } from '../library/codex.ts'
import type { NovelLibrary } from '../library/library.ts'
import type { SceneReading } from '../library/readings.ts'
import type { PlacedText } from '../library/shelf.ts'
import { narrationOf } from '../narration.ts'
import { findQuotation } from '../quotation.ts'
import { type CodexFinding, findingIdOf, sceneChecker } from './check-scene.ts'
import { contradictionKinds, type FoundContradiction } from './read-contradictions.ts'
import { textAt } from './select-entries.ts'

type Contradicts = `CONTRADICTS_${Uppercase<FoundContradiction['kind']>}`

/** What a model found to speak against an entry. */
export const contradictionCodes = contradictionKinds.map(codeOf) as [Contradicts, ...Contradicts[]]

function codeOf(kind: FoundContradiction['kind']): Contradicts {
  return `CONTRADICTS_${kind.toUpperCase()}` as Contradicts
}

/** A finding, and whether the author has said that it is intended. */
export interface ShownFinding extends Omit<CodexFinding, 'code'> {
  readonly code: CodexFinding['code'] | Contradicts
  /** What of the entry is contradicted, as the entry has it; of a model. */
  readonly entryQuotation?: string
  /** What the model says of it. */
  readonly explanation?: string
  /** Id of the model that found it. */
  readonly model?: string
  /** Why it is intended. */
  readonly intended?: string
}

/**
 * Returns the findings of one page of scenes, in reading order; a page of scenes may have none and not be the last. What a model found is among them as long as
 * the text and the entry have what it quoted. Throws NOVEL_NOT_FOUND.
 */
export async function listFindings(
  { library }: { library: Pick<NovelLibrary, 'codex' | 'readings' | 'shelf'> },
  { userId, novelId }: { userId: string; novelId: string },
  page: PageRequest,
): Promise<Page<ShownFinding>> {
  const { shelf, codex, readings } = library
  const { items: scenes, nextPageToken } = await shelf.texts(userId, { novelId }, page)
  const [first] = scenes
  if (first === undefined) return { items: [] }
  const sceneIds = scenes.map(({ id }) => id)
  const [at, usual, dismissed, read] = await Promise.all([
    codex.atPlace(userId, first.id),
    shelf.narration(userId, novelId),
    codex.dismissals(userId, novelId),
    readings.ofScenes(userId, novelId, { what: 'contradictions', sceneIds }),
  ])
  const intended = new Map(dismissed.map(({ key, reason }) => [key, reason]))
  const check = sceneChecker(at)
  const items = scenes.flatMap((scene): ShownFinding[] => {
    const { id, content, chapterPosition, position, narration } = scene
    const place = [chapterPosition, position] as const
    return [
      ...check({ id, content, place, narration: narrationOf(narration, usual) }),
      ...contradictionsOf(scene, read.get(id), at),
    ]
  })
  return {
    items: items.map(finding => ({ ...finding, ...defined({ intended: intended.get(finding.id) }) })),
    ...defined({ nextPageToken }),
  }
}

/** Returns what a model found in a scene and what is still there. Of the same words of an entry there is one of a kind. */
function contradictionsOf(
  { id: sceneId, content, chapterPosition, position }: PlacedText,
  reading: SceneReading<'contradictions'> | undefined,
  { entries, places }: Pick<CodexAtPlace, 'entries' | 'places'>,
): ShownFinding[] {
  const found = new Map<string, ShownFinding>()
  for (const { kind, entryId, quotation, entryQuotation, explanation } of reading?.items ?? []) {
    const entry = entries.find(each => each.id === entryId)
    const span = findQuotation(content, quotation)
    const text = entry && textAt(entry, { place: [chapterPosition, position], places })
    if (entry === undefined || span === undefined || text === undefined) continue
    if (findQuotation(text, entryQuotation) === undefined) continue
    const code = codeOf(kind)
    const id = findingIdOf({ code, entryId, sceneId, entryQuotation })
    const shown = { id, code, sceneId, name: entry.name, entryId, quotation, ...span }
    if (!found.has(id))
      found.set(id, { ...shown, entryQuotation, explanation, ...defined({ model: reading?.model }) })
  }
  return [...found.values()]
}
