import type { LanguageModel, TextRequest } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import type { Writing } from '../../ai/text/language.ts'
import type { TaskContext } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import { loadPrompts, type PromptLanguage } from '../prompts/prompts.ts'
import type { NovelServices } from '../services.ts'
import { type CallContext, callModel, configuredModel, type ModelAnswer } from './call-model.ts'
import { cutCallOf, settleCutCall, storedStep } from './calls.ts'
import { endByTokens, fitPrompt, type Material } from './context.ts'
import {
  amountOf,
  answerLimit,
  type Length,
  lengthInstruction,
  lengthOf,
  partTokens,
  sameUnit,
  tokensFor,
} from './lengths.ts'

/** A scene to write. */
export interface SceneToWrite {
  readonly novelId: string
  readonly model: LanguageModel
  readonly length: Length
  readonly writing: Writing
  readonly promptLanguage: PromptLanguage
  readonly temperature?: number | undefined
  /** The values of the slots besides length and material: instructions of the author, the summary. */
  readonly slots: Readonly<Record<string, string>>
  /** Most tokens of material. */
  readonly mostMaterial: number
  /** Reads the material, when the first call needs it. */
  material(): Promise<Material>
  /** Names the calls within the task: the same for the same scene and parameters; at most 100 characters. */
  readonly unit: string
  /** Called after each part. */
  onPart?(written: { parts: number; done: number; text: string }): void
}

/** A written scene. */
export interface WrittenScene {
  readonly text: string
  readonly parts: readonly ModelAnswer[]
}

/** The part of a task's context that writing needs. */
export type WriteContext = CallContext &
  Pick<TaskContext, 'earlierOutput' | 'write'> & { readonly services: NovelServices }

/** Why the text of a call ends that was cut off. */
const interrupted = 'interrupted'
/** The rest of a part is requested with at least this share of its length. */
const smallestRest = 0.1

/** Returns the tokens of the scene so far that a prompt repeats. */
export function repeatedTokens({ contextTokens }: Pick<LanguageModel, 'contextTokens'>): number {
  return Math.min(1_500, Math.floor(contextTokens / 8))
}

/** Returns the number of parts of a scene, and the length of each. */
export function planParts({ model, length, writing }: Pick<SceneToWrite, 'model' | 'length' | 'writing'>): {
  parts: number
  length: Length
} {
  const parts = Math.max(1, Math.ceil(tokensFor(model, length, writing) / partTokens(model)))
  return { parts, length: sameUnit(length, Math.ceil(amountOf(length) / parts)) }
}

/**
 * Writes a scene, a long one in parts. Every finished part is a checkpoint. The output has all parts exactly as they are stored, including
 * those of an earlier attempt. A further part continues an answer that was cut off at its longest length. Throws what `callModel` throws,
 * MODEL_ANSWER_TRUNCATED where too many answers are cut off.
 */
export async function writeScene(ctx: WriteContext, scene: SceneToWrite): Promise<WrittenScene> {
  let plan = planParts(scene)
  const answers: ModelAnswer[] = []
  let text = ''
  let left = amountOf(plan.length)
  /** Names of the parts right before, as far as they broke off. */
  let continues: string[] = []
  /** Kept text that is not in the output yet: while it is not, what an earlier attempt wrote can be read. */
  let held = ''
  for (let place = 1, broken = 0; place <= plan.parts; ) {
    ctx.signal.throwIfAborted()
    const part: Part = {
      name: `${scene.unit} part ${answers.length + 1}`,
      length: sameUnit(plan.length, left),
      written: text,
      between: between(answers.at(-1), scene.writing),
      continues,
      mayBeWhole: mayBeWhole(answers.at(-1), plan),
      held,
      position: { place, parts: plan.parts },
    }
    const { answer, isNew } = await takePart(ctx, { ...scene, plan }, part)
    if (!isNew && answer.plan !== undefined) {
      // The parts of an earlier attempt belong to its plan, also if the bounds of the model have changed.
      plan = answer.plan
      left = amountOf(plan.length)
    }
    answers.push(answer)
    const added = answer.text === '' ? '' : jointBefore(part, answer.startsParagraph) + answer.text
    text += added
    held = isNew ? '' : held + added
    continues = answer.truncated ? [...continues, part.name] : []
    if (answer.truncated) {
      // Those of earlier attempts do not count: a retry after raising the model's length continues them.
      if (isNew && ++broken > plan.parts + 1) throw truncatedAgain(scene.model)
      // Attempts that wait for a limit or the budget spend no retry, so the scene bounds its broken answers itself.
      if (answers.filter(({ finishReason }) => finishReason === 'length').length > mostBroken(plan))
        throw truncatedAgain(scene.model)
      left = Math.ceil(
        Math.max(left - lengthOf(answer.text, plan.length), amountOf(plan.length) * smallestRest),
      )
    } else {
      place += 1
      left = nextLength(scene, plan, { text, place })
    }
    scene.onPart?.({ parts: plan.parts, done: place - 1, text })
  }
  ctx.write(held)
  return { text, parts: answers }
}

/** Whether an answer that was cut off may have had all its text: it ends a sentence, and has at least half of its length. */
function mayBeWhole(last: ModelAnswer | undefined, { length }: Plan): boolean {
  if (last?.finishReason !== interrupted || !sentenceEnd.test(last.text)) return false
  return lengthOf(last.text, length) >= amountOf(length) / 2
}

/** How many answers of a scene, in all its attempts, may reach their longest length. */
function mostBroken({ parts }: Plan): number {
  return 5 * (parts + 2)
}

/** Returns the length of the next part: shorter after parts that were too long, so that the scene keeps its length. */
function nextLength(
  { length }: SceneToWrite,
  plan: Plan,
  { text, place }: { text: string; place: number },
): number {
  const usual = amountOf(plan.length)
  const share = (amountOf(length) - lengthOf(text, length)) / Math.max(1, plan.parts - place + 1)
  return Math.ceil(Math.min(usual, Math.max(share, usual * smallestRest)))
}

type Plan = ReturnType<typeof planParts>

/** A part as it is stored; the first one with the plan of all parts. */
interface KeptPart extends ModelAnswer {
  readonly plan?: Plan
}

interface Part {
  readonly name: string
  readonly length: Length
  /** The scene so far. */
  readonly written: string
  /** The text between that and the part, unless the part says otherwise. */
  readonly between: string
  /** Text before the part that is not in the output yet. */
  readonly held: string
  /** Names of the parts that this one continues within a paragraph. */
  readonly continues: readonly string[]
  /** All of the text before the part had arrived, perhaps, and only its end was not heard: the part may have no text. */
  readonly mayBeWhole: boolean
  readonly position: { place: number; parts: number }
}

/** Characters at the end of a text that show its script. */
const longestEnd = 40
/** The end of a sentence, with its quotation marks. */
const sentenceEnd = /[.!?…。！？][\p{Pe}\p{Pf}"'”’]*$/u
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
  scene: SceneToWrite & { readonly plan: Plan },
  part: Part,
): Promise<{ answer: KeptPart; isNew: boolean }> {
  let isNew = false
  let isBegun = false
  const output = (text: string, startsParagraph: boolean) => {
    ctx.write(isBegun ? text : jointBefore(part, startsParagraph) + text)
    isBegun = true
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
    const written = await callModel(ctx, ctx.services.models, {
      unit: part.name,
      continues: part.continues,
      use: 'prose',
      model: scene.model,
      subject: scene.novelId,
      takesTruncated: true,
      takesEmpty: part.mayBeWhole,
      onText: output,
      request: model => requestFor(ctx, { ...scene, model }, part, material),
    })
    return kept(written)
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
  const model = cut.model === own.id ? own : configuredModel(ctx.services.models, 'prose', cut.model)
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

function requestFor(
  { services }: Pick<WriteContext, 'services'>,
  scene: SceneToWrite,
  part: Part,
  material: Material,
): TextRequest {
  const { model, promptLanguage, writing, temperature, slots, mostMaterial } = scene
  const name = part.written === '' ? 'generate-scene' : 'continue-scene'
  const prompt = loadPrompts(services.promptsFolder)(name, promptLanguage)
  const outputTokens = answerLimit(model, tokensFor(model, part.length, writing))
  const own = {
    ...slots,
    length: lengthInstruction(part.length, 'about', promptLanguage),
    goesOn: partInstruction(part.position, promptLanguage),
    written: endByTokens(part.written, repeatedTokens(model), text => model.countTokens(text)),
  }
  const rendered = fitPrompt(material, {
    model,
    outputTokens,
    mostMaterial,
    render: fitted => prompt.render({ ...own, ...fitted }),
  })
  return { ...rendered, maxOutputTokens: outputTokens, ...defined({ temperature }) }
}

function partInstruction({ place, parts }: Part['position'], language: PromptLanguage): string {
  if (parts === 1) return ''
  if (language === 'zh') {
    return place < parts
      ? `整个场景分${parts}部分来写，这是第${place}部分：不要写到场景的结尾。`
      : '这是最后一部分：把场景写到结尾。'
  }
  return place < parts
    ? `This is part ${place} of ${parts} of the scene: do not bring the scene to its end.`
    : 'This is the last part: bring the scene to its end.'
}

function truncatedAgain({ id }: LanguageModel): ModelError {
  return new ModelError(
    'MODEL_ANSWER_TRUNCATED',
    `The answers of the model ${id} were cut off repeatedly before the scene was complete. Ask for a shorter scene, or raise the model's maxOutputTokens.`,
    { details: { model: id } },
  )
}
