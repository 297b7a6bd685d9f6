import { ModelError } from '../../ai/model-error.ts'
import { SnoozeError } from '../../index.ts'
import { checkProse, type Expected, type Findings } from '../checks/check-prose.ts'
import { storedStep } from './calls.ts'
import { amountOf, type Length, lengthOf } from './lengths.ts'
import type { SceneMaterial } from './scene-material.ts'
import { type SceneToWrite, type WriteContext, type WrittenScene, writeScene } from './write-scene.ts'

/** A scene to write and to check. */
export interface SceneToCheck extends SceneToWrite {
  /** BCP 47 tag of the novel's language; `und` where it is unknown. */
  readonly language: string
  /** The fixed texts of the prompts: a text that repeats them is faulty. */
  readonly instructions: string
  material(): Promise<SceneMaterial>
  /** What the text must not repeat. Default: the end of the text before the scene. */
  readonly around?: string
  /** Returns the text without what the model put around it; default: as it is. */
  trim?(text: string): string
}

/** A written scene with what the checks found in it. */
export interface CheckedScene extends WrittenScene, Findings {}

/** The texts that a model wrote for a scene. */
export interface CheckedScenes {
  /** The one with the fewest faults; of two with as many, the one whose length is closer to the requested one. */
  readonly best: CheckedScene
  /** The other one, where the model was asked again. */
  readonly other?: CheckedScene
}

/**
 * Writes a scene and checks it. Asks the model once more for a text that has faults, in a new attempt of the task, so that the output begins
 * anew; that spends no retry. The first text stays alone where the budget of the tree refuses the second one, or where the model fails. Returns
 * the texts. The unit of the second is that of the first and ` again`. Throws what `writeScene` throws for the first text.
 */
export async function writeChecked(ctx: WriteContext, scene: SceneToCheck): Promise<CheckedScenes> {
  const key = `${scene.unit} faults`
  const known = await storedStep<Findings>(ctx, key)
  const written = trimmed(scene, await writeScene(ctx, { ...scene, isRepeated: known !== undefined }))
  const findings = known ?? (await check(scene, written))
  const first = { ...written, ...findings }
  if (findings.faults.length === 0) return { best: first }
  if (known === undefined) {
    // What was decided from the text before, which may change until the next attempt.
    await ctx.checkpoint(key, () => findings)
    const why = findings.faults.map(({ message }) => message).join(' ')
    throw new SnoozeError(0, `The scene is written once more, because its text has faults. ${why}`)
  }
  const second = await writeAgain(ctx, scene)
  if (second !== undefined) return better(scene.length, first, { ...second, ...(await check(scene, second)) })
  ctx.write(first.text)
  return { best: first }
}

/**
 * Writes a scene for the second time; undefined where that cannot be, which is decided once. Where words of it are in the output by then, the next
 * attempt goes on from there, so that the output begins anew.
 */
async function writeAgain(ctx: WriteContext, scene: SceneToCheck): Promise<WrittenScene | undefined> {
  const key = `${scene.unit} not again`
  if ((await storedStep(ctx, key)) !== undefined) return undefined
  let isFollowed = false
  const followed: WriteContext = {
    ...ctx,
    write(text) {
      if (text !== '') isFollowed = true
      ctx.write(text)
    },
  }
  try {
    return trimmed(scene, await writeScene(followed, { ...scene, unit: `${scene.unit} again` }))
  } catch (error) {
    if (ctx.signal.aborted) throw error
    const isRefused = error instanceof SnoozeError && error.code === 'BUDGET_EXHAUSTED'
    if (!isRefused && !(error instanceof ModelError)) throw error
    ctx.logInfo('The scene could not be written once more; its first text stays.', { reason: error.message })
    await ctx.checkpoint(key, () => true)
    if (isFollowed) throw new SnoozeError(0, `The first text of the scene stays: ${error.message}`)
    return undefined
  }
}

function trimmed({ trim }: SceneToCheck, written: WrittenScene): WrittenScene {
  return trim === undefined ? written : { ...written, text: trim(written.text) }
}

/** Words or characters from which the length of a text is checked: a shorter one is soon a third or twice as long. */
const leastChecked = 20

async function check(scene: SceneToCheck, { text }: WrittenScene): Promise<Findings> {
  const material = await scene.material()
  const { length, language, instructions } = scene
  const requestedLength = amountOf(length) < leastChecked ? undefined : length
  const textBefore = scene.around ?? material.textBefore[0]?.text
  return checkProse(text, {
    ...{ requestedLength, language, instructions, textBefore },
    known: knownOf(scene, material),
  })
}

/** Returns what of the novel says which names are known. Undefined where it has neither a codex nor a text before: then every name would be new. */
function knownOf(scene: SceneToCheck, material: SceneMaterial): Expected['known'] {
  const { codex, threads, referenceFacts, entryNames, textBefore, chapterSummaries, passages } = material
  const around = [...threads, ...textBefore, ...chapterSummaries, ...passages]
  if (entryNames.length + around.length === 0) return undefined
  const shown = [...codex.always, ...codex.others, ...referenceFacts, ...around].map(({ text }) => text)
  return { names: entryNames, texts: [...Object.values(scene.slots), ...shown] }
}

function better(requested: Length, first: CheckedScene, second: CheckedScene): CheckedScenes {
  const distance = ({ text }: CheckedScene) =>
    Math.abs(Math.log((lengthOf(text, requested) + 1) / amountOf(requested)))
  const fewer = second.faults.length - first.faults.length || distance(second) - distance(first)
  return fewer < 0 ? { best: second, other: first } : { best: first, other: second }
}
