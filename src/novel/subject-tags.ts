import { novelIdOf } from './library/ids.ts'
import { tag } from './subject-tag.ts'

/**
 * The subject of a task, as tags: `novel:ID`, and `scene:ID` for a task about one scene. The page of a scene finds by them the tasks that
 * work on it, from any submitter.
 */

/** Most tags of a task. */
const mostTags = 20

/** The fields of parameters that are not validated yet. */
interface Named {
  novelId?: unknown
  sceneId?: unknown
  uploadId?: unknown
}

const ofNovel = ({ novelId }: Named) => [tag('novel', novelId)]
const ofScene = ({ novelId, sceneId }: Named) => [tag('novel', novelId), tag('scene', sceneId)]
const ofUpload = ({ uploadId }: Named) =>
  tag('upload', uploadId) === undefined ? [] : [tag('novel', novelIdOf(String(uploadId)))]

const subjects: ReadonlyMap<string, (named: Named) => (string | undefined)[]> = new Map([
  ['ImportNovel', ofUpload],
  ['ParseFile', ofNovel],
  ['AppendToNovel', ofNovel],
  ['BatchGenerateScene', ofNovel],
  ['BatchGenerateSummary', ofNovel],
  ['ContinueWriting', ofNovel],
  ['GenerateNextSummaries', ofNovel],
  ['ReviewChapter', ofNovel],
  ['GenerateScene', ofScene],
  ['GenerateSummary', ofScene],
  ['GenerateLevelSummary', ofNovel],
  ['UpdateSummaries', ofNovel],
  ['RewriteSelection', ofScene],
  ['RestoreSnapshot', ofNovel],
  ['ExportNovel', ofNovel],
  ['SceneBrief', ofScene],
  ['RenameInNovel', ofNovel],
  ['ReplaceInNovel', ofNovel],
  ['ProposeCodexEntries', ofNovel],
  ['CheckCodex', ofNovel],
  ['Vectorize', ofNovel],
])

/** The task types of which the parameters name a novel. */
export const subjectTypes = [...subjects.keys()]

/** Returns the tags of the subject of a task that it can have beside its own. Other task types and invalid parameters have none. */
export function subjectTags(
  taskType: string,
  parameters: unknown,
  tags: readonly string[] = [],
): readonly string[] {
  const subject = typeof parameters === 'object' && parameters !== null ? subjects.get(taskType) : undefined
  return subject === undefined ? [] : addable(tags, subject(parameters as Named))
}

/** Returns the tags of a subject that a task can add to those it has: none twice, and at most 20 in all. */
export function addable(tags: readonly string[], subject: readonly (string | undefined)[]): string[] {
  const free = Math.max(0, mostTags - tags.length)
  return subject
    .flatMap(each => each ?? [])
    .filter(each => !tags.includes(each))
    .slice(0, free)
}
