import type { LanguageModel } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import type { Writing } from '../../ai/text/language.ts'
import type { TaskContext } from '../../index.ts'
import { modelsOf, type NovelServices } from '../services.ts'
import { type BlockNote, notesOf, type PromptBlock } from './blocks.ts'
import { type CallContext, callModel, configuredModel, type ModelAnswer } from './call-model.ts'
import { cutCallOf, settleCutCall, storedStep } from './calls.ts'
import type { Material } from './context.ts'
import { amountOf, type Length, lengthOf } from './lengths.ts'
import {
  endsSentence,
  LengthKeeper,
  lengthUpTo,
  planScene,
  remainingLength,
  requestedLength,
  type ScenePlan,
} from './scene-plan.ts'
import { type PartToWrite, promptOfPart, type SceneToPrompt } from './scene-prompt.ts'

/** A scene to write. */
export interface SceneToWrite extends SceneToPrompt {
  readonly novelId: string
  readonly model: LanguageModel
  readonly length: Length
  /** Reads the material, when the first call needs it. */
  material(): Promise<Material>
  /** Names the calls within the task: the same for the same scene and parameters; at most 100 characters. */
  readonly unit: string
  /** All parts are stored, and the output is to have none of them; default false. */
  readonly isRepeated?: boolean
  /** Called after each part. */
  onPart?(written: { parts: number; done: number; text: string }): void
}

/** A written scene. */
export interface WrittenScene {
  readonly text: string
  readonly parts: readonly KeptPart[]
}

/** The part of a task's context that writing needs. */
export type WriteContext = CallContext &
  Pick<TaskContext, 'earlierOutput' | 'userId' | 'write'> & { readonly services: NovelServices }

/** Why the text of a call ends that was cut off. */
const interrupted = 'interrupted'

/**
 * Writes a scene by its plan, one call for each beat. Every finished part is a checkpoint. The output has all parts exactly as they are stored,
 * including those of an earlier attempt. An answer that broke off is continued while its beat lacks length, or the rest of a sentence. Throws what
 * `callModel` throws, MODEL_ANSWER_TRUNCATED where too many answers are cut off.
 */
export async function writeScene(ctx: WriteContext, scene: SceneToWrite): Promise<WrittenScene> {
  // The plan depends on the window, which the model may learn from its server.
  await scene.model.prepare?.()
  let plan = planScene({ ...scene, summary: scene.slots['summary'] ?? '' })
  const answers: KeptPart[] = []
  let text = ''
  let left = requestedLength(plan, 1, text)
  /** Names of the parts right before, as far as they broke off. */
  let continues: string[] = []
  /** Kept text that is not in the output yet: while it is not, what an earlier attempt wrote can be read. */
  let held = ''
  for (let place = 1, broken = 0; place <= plan.beats.length; ) {
    ctx.signal.throwIfAborted()
    const part: Part = {
      name: `${scene.unit} part ${answers.length + 1}`,
      length: left,
      written: text,
      between: between(answers.at(-1), scene.writing),
      continues,
      mayBeWhole: mayBeWhole(answers.at(-1), plan, place),
      held,
      place,
    }
    const { answer, isNew } = await takePart(ctx, { ...scene, plan }, part)
    if (!isNew && answer.plan !== undefined) {
      // The parts of an earlier attempt belong to its plan, also if the bounds of the model have changed.
      plan = answer.plan
      left = requestedLength(plan, 1, '')
    }
    answers.push(answer)
    const added = answer.text === '' ? '' : jointBefore(part, answer.startsParagraph) + answer.text
    text += added
    held = isNew ? '' : held + added
    if (goesOn(answer, plan, place, text)) {
      continues = [...continues, part.name]
      // Those of earlier attempts do not count: a retry after raising the model's length continues them.
      if (isNew && ++broken > plan.beats.length) throw truncatedAgain(scene.model)
      // Attempts that wait for a limit or the budget spend no retry, so the scene bounds its broken answers itself.
      if (answers.filter(({ finishReason }) => finishReason === 'length').length > mostBroken(plan))
        throw truncatedAgain(scene.model)
      left = remainingLength(plan, place, left, answer.text)
    } else {
      continues = []
      place += 1
      left = requestedLength(plan, place, text)
    }
    scene.onPart?.({ parts: plan.beats.length, done: place - 1, text })
  }
  if (scene.isRepeated !== true) ctx.write(held)
  return { text, parts: answers }
}

/** Whether an answer is continued: it broke off before its beat had its length, or within a sentence. */
function goesOn({ truncated }: ModelAnswer, plan: ScenePlan, place: number, text: string): boolean {
  if (!truncated) return false
  const upTo = lengthUpTo(plan, place)
  return lengthOf(text, upTo) < amountOf(upTo) || !endsSentence(text)
}

/** Whether an answer that was cut off may have had all its text: it ends a sentence, and has at least half of its length. */
function mayBeWhole(last: ModelAnswer | undefined, { length, beats }: ScenePlan, place: number): boolean {
  if (last?.finishReason !== interrupted || !endsSentence(last.text)) return false
  return lengthOf(last.text, length) >= (beats[place - 1]?.amount ?? 0) / 2
}

/** How many answers of a scene, in all its attempts, may reach their longest length. */
function mostBroken({ beats }: ScenePlan): number {
  return 5 * (beats.length + 2)
}

/** A part as it is stored; the first one with the plan of all parts. */
interface KeptPart extends ModelAnswer {
  readonly plan?: ScenePlan
  /** What its prompt was made of; absent of a part whose call was cut off. */
  readonly blocks?: readonly BlockNote[]
}

type PlannedScene = SceneToWrite & { readonly plan: ScenePlan }

interface Part extends PartToWrite {
  readonly name: string
  /** The text between that and the part, unless the part says otherwise. */
  readonly between: string
  /** Text before the part that is not in the output yet. */
  readonly held: string
  /** Names of the parts that this one continues within a paragraph. */
  readonly continues: readonly string[]
  /** All of the text before the part had arrived, perhaps, and only its end was not heard: the part may have no text. */
  readonly mayBeWhole: boolean
}

/** Characters at the end of a text that show its script. */
const longestEnd = 40
/** No space follows these. */
const opening = /[“‘«([—]$|(?:^|\s)["']$/u

/** Returns the text between two parts. A part ends with a paragraph; a truncated one within a sentence. Korean has spaces, unlike Chinese and Japanese. */
function between(before: ModelAnswer | undefined, writing: Writing): string {
  if (before === undefined) return ''
  if (!before.truncated) return '\n\n'
  const end = before.text.slice(-longestEnd)
  const hasNoSpaces = writing === 'cjk' && !/\p{Script=Hangul}/u.test(end)
  return hasNoSpaces || opening.test(end) ? '' : ' '
}

/** Returns the text before a part. One that continues another may begin a paragraph. */
function jointBefore({ between: usual, continues }: Part, startsParagraph = false): string {
  return startsParagraph && continues.length > 0 ? '\n\n' : usual
}

/** Writes a part, or returns what an earlier attempt wrote of it: all, or what had arrived when it was cut off. */
async function takePart(
  ctx: WriteContext,
  scene: PlannedScene,
  part: Part,
): Promise<{ answer: KeptPart; isNew: boolean }> {
  let isNew = false
  let isBegun = false
  let isAtParagraph = false
  const keeper = new LengthKeeper(
    { length: lengthUpTo(scene.plan, part.place), before: part.written, most: scene.form.most },
    text => {
      ctx.write(isBegun ? text : jointBefore(part, isAtParagraph) + text)
      isBegun = true
    },
  )
  const output = (text: string, startsParagraph: boolean) => {
    isAtParagraph = startsParagraph
    keeper.add(text)
  }
  const kept = (written: ModelAnswer): KeptPart =>
    part.written === '' ? { ...written, plan: scene.plan } : written
  const isStored = (await storedStep<KeptPart>(ctx, part.name)) !== undefined
  const cut = isStored ? undefined : await takeCutPart(ctx, scene, part)
  const write = async () => {
    if (cut !== undefined) return kept(cut)
    isNew = true
    ctx.write(part.held)
    const material = await scene.material()
    let blocks: readonly PromptBlock[] = []
    const written = await callModel(ctx, modelsOf(ctx), {
      unit: part.name,
      continues: part.continues,
      use: 'prose',
      model: scene.model,
      subject: scene.novelId,
      takesTruncated: true,
      takesEmpty: part.mayBeWhole,
      onText: output,
      request(model) {
        const prompt = promptOfPart({ ...scene, model }, { part, material })
        blocks = prompt.blocks
        return prompt.request
      },
    })
    keeper.end()
    const answer = { ...written, text: keeper.text, truncated: written.truncated && !keeper.isFull }
    return { ...kept(answer), blocks: notesOf(blocks, part.written === '') }
  }
  // A stream that is cut again and again is no progress.
  const answer = await ctx.checkpoint(part.name, write, { isProgress: cut === undefined })
  return { answer, isNew }
}

/**
 * Returns what had arrived of a part whose call was cut off, as a part that broke off: it is paid, and a person may have read it. Undefined
 * where nothing is known to have arrived.
 */
async function takeCutPart(
  ctx: WriteContext,
  scene: SceneToWrite,
  part: Part,
): Promise<ModelAnswer | undefined> {
  const cut = await cutCallOf(ctx, part.name)
  const earlier = cut === undefined ? undefined : await ctx.earlierOutput()
  if (cut === undefined || earlier?.attempt !== cut.attempt) return undefined
  if (!earlier.text.startsWith(part.written)) return undefined
  const arrived = earlier.text.slice(part.written.length)
  const text = arrived.trim()
  if (text === '') return undefined
  const { model: own } = scene
  const model = cut.model === own.id ? own : configuredModel(modelsOf(ctx), 'prose', cut.model)
  const usage = await settleCutCall(ctx, cut, { model, subject: scene.novelId, text })
  ctx.logInfo(`The text of an earlier attempt is continued: ${text.length} characters of it had arrived.`)
  return {
    text,
    model: cut.model,
    finishReason: interrupted,
    truncated: true,
    ...(part.continues.length > 0 && /^\s*\n/u.test(arrived) && { startsParagraph: true as const }),
    usage,
    parameters: cut.parameters ?? { maxOutputTokens: usage.outputTokens },
  }
}

function truncatedAgain({ id }: LanguageModel): ModelError {
  return new ModelError(
    'MODEL_ANSWER_TRUNCATED',
    `The answers of the model ${id} were cut off repeatedly before the scene was complete. Ask for a shorter scene, or raise the model's maxOutputTokens.`,
    { details: { model: id } },
  )
}
