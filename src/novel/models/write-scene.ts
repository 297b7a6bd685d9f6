import type { LanguageModel, TextRequest } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import type { Writing } from '../../ai/text/language.ts'
import type { TaskContext } from '../../index.ts'
import type { Prompt, PromptLanguage, PromptName } from '../prompts/prompts.ts'
import { type NovelServices, promptsOf } from '../services.ts'
import { type CallContext, callModel, type ModelAnswer } from './call-model.ts'
import { endByTokens, fitPrompt, type Material } from './context.ts'
import {
  amountOf,
  answerRoom,
  type Length,
  lengthOf,
  lengthWish,
  partTokens,
  sameUnit,
  tokensFor,
} from './lengths.ts'

/** A scene that is to be written. */
export interface SceneToWrite {
  readonly novelId: string
  readonly model: LanguageModel
  readonly length: Length
  readonly writing: Writing
  readonly promptLanguage: PromptLanguage
  readonly temperature?: number | undefined
  /** What fills the slots beside length and material: wishes of the author, the summary. */
  readonly slots: Readonly<Record<string, string>>
  /** Most tokens of material. */
  readonly mostMaterial: number
  /** Read when the first call is due, not for one that finds everything written. */
  material(): Promise<Material>
  /** Names the calls within the task: the same for the same scene and wishes; at most 100 characters. */
  readonly unit: string
  /** Told whenever a part is finished. */
  onPart?(written: { parts: number; done: number; text: string }): void
}

/** A scene that was written. */
export interface WrittenScene {
  readonly text: string
  readonly parts: readonly ModelAnswer[]
}

/** What of a task's context is needed. */
export type WriteContext = CallContext & Pick<TaskContext, 'write'> & { readonly services: NovelServices }

/** A wish for what is left is not for less than this share of a part. */
const smallestRest = 0.1

/** Tokens of the scene so far that a prompt repeats. */
export function repeatedTokens({ contextTokens }: Pick<LanguageModel, 'contextTokens'>): number {
  return Math.min(1_500, Math.floor(contextTokens / 8))
}

/** In how many parts a scene is written, and how long each is. */
export function planParts({ model, length, writing }: Pick<SceneToWrite, 'model' | 'length' | 'writing'>): {
  parts: number
  length: Length
} {
  const parts = Math.max(1, Math.ceil(tokensFor(model, length, writing) / partTokens(model)))
  return { parts, length: sameUnit(length, Math.ceil(amountOf(length) / parts)) }
}

/**
 * Writes a scene, a long one in parts. Every finished part is a checkpoint; whoever follows reads them all, also those of an earlier
 * attempt, exactly as they are kept. An answer that breaks off at its longest length is gone on with in a further part. Throws what
 * `callModel` throws, MODEL_ANSWER_TRUNCATED where the model breaks off again and again.
 */
export async function writeScene(ctx: WriteContext, scene: SceneToWrite): Promise<WrittenScene> {
  let plan = planParts(scene)
  const answers: ModelAnswer[] = []
  let text = ''
  let left = amountOf(plan.length)
  for (let place = 1, broken = 0; place <= plan.parts; ) {
    ctx.signal.throwIfAborted()
    const part: Part = {
      name: `${scene.unit} part ${answers.length + 1}`,
      length: sameUnit(plan.length, left),
      written: text,
      between: between(answers.at(-1), scene.writing),
      position: { place, parts: plan.parts },
    }
    const { answer, isNew } = await takePart(ctx, { ...scene, plan }, part)
    if (!isNew && answer.plan !== undefined) {
      // What an earlier attempt wrote is part of its plan, whatever the model may answer now.
      plan = answer.plan
      left = amountOf(plan.length)
    }
    answers.push(answer)
    text += part.between + answer.text
    if (answer.truncated) {
      // Those of earlier attempts do not count: who raised the model's length and tries again goes on from them.
      if (isNew && ++broken > plan.parts + 1) throw breaksOff(scene.model)
      left = Math.ceil(
        Math.max(left - lengthOf(answer.text, plan.length), amountOf(plan.length) * smallestRest),
      )
    } else {
      place += 1
      left = nextLength(scene, plan, { text, place })
    }
    scene.onPart?.({ parts: plan.parts, done: place - 1, text })
  }
  return { text, parts: answers }
}

/** Who wrote more than was asked for is asked for less, so that the whole does not outgrow what a scene may have. */
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

/** A part as it is kept; the first one with the plan of them all. */
interface KeptPart extends ModelAnswer {
  readonly plan?: Plan
}

interface Part {
  readonly name: string
  readonly length: Length
  /** The scene so far. */
  readonly written: string
  /** What stands between that and the part. */
  readonly between: string
  readonly position: { place: number; parts: number }
}

/** As much of the end of a text as shows how it is written. */
const longestEnd = 40
/** No space follows these. */
const opening = /[“‘«([—]$/u

/** A part ends with a paragraph; one that broke off, within a sentence. Korean has spaces, unlike Chinese and Japanese. */
function between(before: ModelAnswer | undefined, writing: Writing): string {
  if (before === undefined) return ''
  if (!before.truncated) return '\n\n'
  const end = before.text.slice(-longestEnd)
  const hasNoSpaces = writing === 'cjk' && !/\p{Script=Hangul}/u.test(end)
  return hasNoSpaces || opening.test(end) ? '' : ' '
}

/** Has a part written, or finds the one that an earlier attempt wrote and shows it again. */
async function takePart(
  ctx: WriteContext,
  scene: SceneToWrite & { readonly plan: Plan },
  part: Part,
): Promise<{ answer: KeptPart; isNew: boolean }> {
  let lead = part.between
  let isNew = false
  const follow = (text: string) => {
    ctx.write(lead + text)
    lead = ''
  }
  const answer = await ctx.checkpoint(part.name, async (): Promise<KeptPart> => {
    isNew = true
    const material = await scene.material()
    const written = await callModel(ctx, ctx.services.models, {
      unit: part.name,
      use: 'prose',
      model: scene.model,
      subject: scene.novelId,
      takesTruncated: true,
      onText: follow,
      request: model => requestFor(ctx, { ...scene, model }, part, material),
    })
    return part.written === '' ? { ...written, plan: scene.plan } : written
  })
  if (!isNew) follow(answer.text)
  return { answer, isNew }
}

function requestFor(
  { services }: Pick<WriteContext, 'services'>,
  scene: SceneToWrite,
  part: Part,
  material: Material,
): TextRequest {
  const { model, promptLanguage, writing, temperature, slots, mostMaterial } = scene
  const prompt: Prompt = promptsOf(services)(promptName(part), promptLanguage)
  const outputTokens = answerRoom(model, tokensFor(model, part.length, writing))
  const own = {
    ...slots,
    length: lengthWish(part.length, 'about', promptLanguage),
    goesOn: goesOnWish(part.position, promptLanguage),
    written: endByTokens(part.written, repeatedTokens(model), text => model.countTokens(text)),
  }
  const rendered = fitPrompt(material, {
    model,
    outputTokens,
    mostMaterial,
    render: fitted => prompt.render({ ...own, ...fitted }),
  })
  const request = { ...rendered, maxOutputTokens: outputTokens }
  return temperature === undefined ? request : { ...request, temperature }
}

function promptName({ written }: Part): PromptName {
  return written === '' ? 'generate-scene' : 'continue-scene'
}

function goesOnWish({ place, parts }: Part['position'], language: PromptLanguage): string {
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

function breaksOff({ id }: LanguageModel): ModelError {
  return new ModelError(
    'MODEL_ANSWER_TRUNCATED',
    `The model ${id} breaks off before the scene is complete, again and again. Ask for a shorter scene, or raise the model's maxOutputTokens.`,
    { details: { model: id } },
  )
}
