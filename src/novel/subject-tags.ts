import { batchGenerateScene } from './batch-generate-scene.ts'
import { batchGenerateSummary } from './batch-generate-summary.ts'
import { generateScene } from './generate-scene.ts'
import { generateSummary } from './generate-summary.ts'
import { importNovel } from './import-novel.ts'
import { novelIdOf } from './library/ids.ts'
import { sceneBrief } from './scene-brief.ts'
import { addable, tag } from './subject.ts'
import { vectorize } from './vectorize.ts'

/** The tags that tasks have by their type and parameters. */

const ofNovel = ({ novelId }: Named) => [tag('novel', novelId)]
const ofScene = ({ novelId, sceneId }: Named) => [tag('novel', novelId), tag('scene', sceneId)]
const ofUpload = ({ uploadId }: Named) =>
  tag('upload', uploadId) === undefined ? [] : [tag('novel', novelIdOf(String(uploadId)))]

/** The fields of parameters, which nobody has checked yet. */
interface Named {
  novelId?: unknown
  sceneId?: unknown
  uploadId?: unknown
}

const subjects: ReadonlyMap<string, (named: Named) => (string | undefined)[]> = new Map([
  [importNovel.type, ofUpload],
  [batchGenerateScene.type, ofNovel],
  [batchGenerateSummary.type, ofNovel],
  [generateScene.type, ofScene],
  [generateSummary.type, ofScene],
  [sceneBrief.type, ofScene],
  [vectorize.type, ofNovel],
])

/**
 * The tags of a task with those of its subject after them, as far as there is room. Tasks that are not of the novel, and parameters that
 * are none, get none.
 */
export function withSubjectTags(
  taskType: string,
  parameters: unknown,
  tags: readonly string[] = [],
): readonly string[] {
  const subject = typeof parameters === 'object' && parameters !== null ? subjects.get(taskType) : undefined
  if (subject === undefined) return tags
  return [...tags, ...addable(tags, subject(parameters as Named))]
}
