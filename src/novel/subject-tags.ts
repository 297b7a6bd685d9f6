import { batchGenerateScene } from './batch-generate-scene.ts'
import { batchGenerateSummary } from './batch-generate-summary.ts'
import { generateScene } from './generate-scene.ts'
import { generateSummary } from './generate-summary.ts'
import { importNovel } from './import-novel.ts'
import { novelIdOf } from './library/ids.ts'
import { sceneBrief } from './scene-brief.ts'
import { vectorize } from './vectorize.ts'

/**
 * What a task is about, as tags: `novel:ID`, and `scene:ID` where it concerns one scene. So whoever looks at a scene finds what works on
 * it, whoever submitted that.
 */

/** Tags that a task may have. */
const mostTags = 20

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
 * The tags of a task with those of its subject after them: none twice, and no more than a task may have, so that the subject never
 * crowds out what was asked for. Tasks that are not of the novel, and parameters that are none, get none.
 */
export function withSubjectTags(
  taskType: string,
  parameters: unknown,
  tags: readonly string[] = [],
): readonly string[] {
  const subject = typeof parameters === 'object' && parameters !== null ? subjects.get(taskType) : undefined
  if (subject === undefined) return tags
  const added = subject(parameters as Named)
    .flatMap(each => each ?? [])
    .filter(each => !tags.includes(each))
  return [...tags, ...added].slice(0, Math.max(mostTags, tags.length))
}

/** Ids that are too long for a tag, which no id of ours is, get none. */
function tag(kind: string, id: unknown): string | undefined {
  return typeof id === 'string' && /^[\w-]{1,90}$/.test(id) ? `${kind}:${id}` : undefined
}
