/** The texts that a task writes for a scene: each is written by itself, checked, and kept as a candidate. */
import { z } from 'zod'
import { ModelError } from '../ai/model-error.ts'
import { errorCatalogue, hashedId, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { count, id, promptNote, usageNote } from './fields.ts'
import {
  type Candidate,
  type CandidateStatus,
  candidateStatuses,
  finding,
  type TextProposal,
} from './library/candidates.ts'
import type { Provenance, UsageNote } from './library/provenance.ts'
import { sceneNotFound } from './library/refusal.ts'
import { storedStep } from './models/calls.ts'
import { addUsage, noUsage } from './models/expense.ts'
import { type CheckedScene, type SceneToCheck, writeChecked } from './models/write-checked.ts'
import type { SceneOptions } from './scene-request.ts'
import { type NovelServices, unlessFailed } from './services.ts'
import { type TextsOutput, textsOutput } from './several-texts.ts'
import { measure } from './words.ts'

/** The candidate that the text is asked for in place of; it stays open until it is discarded. */
export const insteadOf = id.optional()

/** Throws CANDIDATE_NOT_FOUND where what a text is asked for in place of is no candidate of its scene. */
export async function admitInsteadOf(
  { services, userId }: Pick<TextsContext, 'services' | 'userId'>,
  { sceneId, insteadOf: candidateId }: { sceneId?: string | undefined; insteadOf?: string | undefined },
): Promise<void> {
  if (sceneId !== undefined && candidateId !== undefined)
    await services.library.candidates.candidate(userId, { sceneId, candidateId })
}

/** The result of a task that writes texts for a scene. */
export const textsResult = z.object({
  sceneId: id,
  /** Size of the new text; of several, of all together. */
  words: count,
  characters: count,
  /** The text entered the scene. False: the author decides about the candidates. */
  accepted: z.boolean(),
  /** The texts, in the order in which they were written. */
  candidates: z.array(
    z.object({
      candidateId: id,
      status: z.enum(candidateStatuses),
      words: count,
      characters: count,
      /** The reason why the model stopped, in the provider's words. */
      finishReason: z.string().optional(),
      /** Why it does not enter the scene by itself; the model was asked twice. Absent where it has no fault. */
      faults: z.array(finding).optional(),
    }),
  ),
  /** Texts that the model did not write, where it wrote others. */
  failed: z.array(z.object({ number: count, code: z.string(), message: z.string() })),
  /** The scene was written already, and was to be left as it is. */
  skipped: z.boolean(),
  model: z.string().optional(),
  prompt: promptNote.optional(),
  /** Usage of the calls that made the texts; failed calls are in the usage of the task. */
  usage: usageNote.optional(),
  /** Duration of the last attempt. */
  processingTimeMs: z.number().min(0),
})

/** The progress of such a task. */
export const textsProgress = z.object({
  /** Written parts of the scene, and all parts; of several texts, those of all. */
  done: count,
  total: count,
  /** Size of the text so far. */
  words: count,
  characters: count,
})

/** What such a task has when it is done. */
export type Texts = Omit<z.infer<typeof textsResult>, 'processingTimeMs'>

type TextsContext = Omit<TaskContext<z.ZodType, typeof textsProgress, NovelServices>, 'parameters'> & {
  readonly parameters: SceneOptions & { readonly insteadOf?: string | undefined }
}

/** What the scene would be with a text, and what the task had read of it. */
export type Placed = Pick<TextProposal, 'content' | 'expectedVersion' | 'fromSummary' | 'passage'>

/** What all texts of a task have in common. */
export interface TextsPlan extends Omit<SceneToCheck, 'instructions' | 'onPart' | 'unit'> {
  readonly sceneId: string
  /** What the task first read of the scene: the parts of a text are continued for the same one only. */
  readonly target: object
  /** What was to happen in the text. */
  readonly brief?: string | undefined
  /** What is kept with a text besides the options. */
  readonly recorded?: Readonly<Record<string, string>>
  /** Places a text in its scene. */
  place(text: string): Promise<Placed>
}

/** One of the texts. */
interface OwnPlan extends TextsPlan {
  readonly number: number
  readonly round: number
  readonly candidateId: string
  /** Size of the texts before it. */
  readonly before: { readonly words: number; readonly characters: number }
}

/** A text that is kept as a candidate. */
export type MadeText = Texts['candidates'][number] & {
  prompt?: Texts['prompt']
  model: string
  usage: UsageNote
}

/** The texts of a task. */
export interface MadeTexts {
  readonly made: readonly MadeText[]
  readonly failed: Texts['failed']
}

/**
 * Writes the texts that the parameters ask for, keeps each as a candidate, and has it enter the scene where it may. A later attempt finds those
 * of an earlier one, and has them planned only where one is to be written; each round has texts of its own. Throws what writing throws; of several
 * texts, where none is written.
 */
export async function makeTexts(
  ctx: TextsContext,
  { sceneId, round = 0 }: { sceneId: string; round?: number },
  planTexts: () => Promise<TextsPlan>,
): Promise<MadeTexts> {
  const output = textsOutput(ctx)
  const asked = hashedId(JSON.stringify(ctx.parameters))
  let planned: Promise<TextsPlan> | undefined
  const plan = () => {
    planned ??= planTexts().then(withOneReading)
    return planned
  }
  const made: MadeText[] = []
  const failed: (Refusal & { number: number })[] = []
  for (let number = 1; number <= ctx.parameters.candidates; number++) {
    ctx.signal.throwIfAborted()
    const candidateId = hashedId(['candidate', ctx.taskId, asked, number, ...laterRound(round)].join('\n'))
    const before = sizeOf(made)
    const text =
      (await takeKept(ctx, output, { sceneId, candidateId })) ??
      (await unlessRefused(ctx, `text ${number} of ${asked}`, async () =>
        writeOne(ctx, output, { ...(await plan()), number, round, candidateId, before }),
      ))
    if ('candidateId' in text) made.push(text)
    else {
      output.next(undefined, 'this attempt')
      failed.push({ number, ...text })
    }
  }
  output.end()
  const [first] = failed
  if (first !== undefined && made.length === 0) throw new ModelError(first.code, first.message)
  return { made, failed }
}

/** Why a model did not write one of several texts. */
type Refusal = Pick<ModelError, 'code' | 'message'>

/**
 * Returns a written text, or why the model did not write it. A checkpoint: what it refused is not asked for, and paid, in every attempt, but again when a
 * person retries the task.
 */
async function unlessRefused(
  ctx: TextsContext,
  name: string,
  write: () => Promise<MadeText>,
): Promise<MadeText | Refusal> {
  const key = `${name} refused after attempt ${ctx.retriedAttempt}`
  const refused = await storedStep<Refusal>(ctx, key)
  if (refused !== undefined) return refused
  try {
    return await write()
  } catch (error) {
    if (ctx.parameters.candidates === 1 || !isRefusal(error)) throw error
    const { code, message } = error
    return ctx.checkpoint(key, () => ({ code, message }))
  }
}

/** Whether a model did not write one text: it may write another. */
function isRefusal(error: unknown): error is ModelError {
  return (
    error instanceof ModelError &&
    !errorCatalogue[error.code].retryable &&
    error.code.startsWith('MODEL_ANSWER_')
  )
}

/** Has the texts share what is read of the novel. */
function withOneReading(plan: TextsPlan): TextsPlan {
  let read: ReturnType<TextsPlan['material']> | undefined
  return {
    ...plan,
    material() {
      read ??= plan.material()
      return read
    },
  }
}

/** Returns the text of an earlier attempt; undefined where none is kept. */
async function takeKept(
  { services, userId }: TextsContext,
  output: TextsOutput,
  candidate: { sceneId: string; candidateId: string },
): Promise<MadeText | undefined> {
  const find = () => services.library.candidates.candidate(userId, candidate)
  const kept = await unlessFailed('CANDIDATE_NOT_FOUND', find)
  if (kept === undefined) return undefined
  const { start, end } = kept.passage ?? { start: 0, end: kept.text.length }
  const text = kept.text.slice(start, end)
  output.next(text, 'an earlier one')
  return madeOf({ ...kept, ...measure(text) })
}

async function writeOne(ctx: TextsContext, output: TextsOutput, plan: OwnPlan): Promise<MadeText> {
  const { candidateId, number, before } = plan
  await output.begin(number)
  const { best, other } = await writeChecked(output.writeContext, {
    ...plan,
    unit: unitOf(ctx, plan),
    instructions: partPrompts(plan)
      .map(({ fixedText }) => fixedText)
      .join('\n'),
    onPart({ parts, done, text }) {
      const { words, characters } = measure(text)
      ctx.updateProgress({
        ...{ done: parts * (number - 1) + done, total: parts * ctx.parameters.candidates },
        ...{ words: before.words + words, characters: before.characters + characters },
      })
    },
  })
  ctx.signal.throwIfAborted()
  // The worse of two texts is kept, and is not offered.
  const otherId = hashedId(`${candidateId}\nother`)
  if (other !== undefined) await propose(ctx, { ...plan, candidateId: otherId }, other, 'never')
  // Of several, the author chooses one. A text with a fault enters no scene by itself.
  const isForAuthor = ctx.parameters.candidates > 1 || best.faults.length > 0
  const status = await propose(ctx, plan, best, isForAuthor ? 'by-author' : ctx.parameters.accept)
  output.next(best.text, 'this attempt')
  const { faults } = best
  return madeOf({
    ...{ id: candidateId, status, faults, provenance: provenanceFor(ctx, plan, best.parts) },
    ...measure(best.text),
  })
}

function madeOf({
  id: candidateId,
  status,
  words,
  characters,
  faults = [],
  provenance: { model = '', prompt, usage = noUsage, finishReason },
}: Pick<Candidate, 'id' | 'status' | 'words' | 'characters' | 'provenance' | 'faults'>): MadeText {
  return {
    ...{ candidateId, status, words, characters, model, usage },
    ...defined({ prompt, finishReason }),
    ...(faults.length > 0 && { faults: [...faults] }),
  }
}

async function propose(
  ctx: TextsContext,
  plan: OwnPlan,
  { text, parts, faults, marks }: CheckedScene,
  accept: TextProposal['accept'],
): Promise<CandidateStatus> {
  const { sceneId, candidateId, number } = plan
  const { insteadOf } = ctx.parameters
  const placed = await plan.place(text)
  const status = await ctx.services.library.candidates.propose({
    ...{ id: candidateId, sceneId, ...placed, provenance: provenanceFor(ctx, plan, parts), number },
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
    rootTaskId: ctx.rootTaskId,
    accept,
    ...(faults.length > 0 && { faults }),
    ...(marks.length > 0 && { marks }),
    prompts: parts.flatMap(({ blocks }) => (blocks === undefined ? [] : [blocks])),
    ...defined({ insteadOf }),
  })
  if (status === 'missing') throw sceneNotFound(sceneId)
  return status
}

/** Returns the result of a task; without a text, of one that left its scene as it was. */
export function resultOf(sceneId: string, { made, failed }: MadeTexts): Texts {
  const [first] = made
  return {
    sceneId,
    ...sizeOf(made),
    accepted: made.some(({ status }) => status === 'accepted'),
    candidates: made.map(({ model: _, prompt: __, usage: ___, ...candidate }) => candidate),
    failed,
    skipped: first === undefined,
    ...(first && {
      model: first.model,
      ...defined({ prompt: first.prompt }),
      usage: made.map(({ usage }) => usage).reduce(addUsage, noUsage),
    }),
  }
}

function sizeOf(made: readonly MadeText[]) {
  return {
    words: made.reduce((sum, { words }) => sum + words, 0),
    characters: made.reduce((sum, { characters }) => sum + characters, 0),
  }
}

/** Returns a name for the parts of a text. It changes with parameters, model, material and prompts, whose parts are not continued. */
function unitOf(ctx: TextsContext, plan: OwnPlan): string {
  const versions = partPrompts(plan).map(({ note }) => note.version)
  const named = [ctx.parameters, plan.model.id, plan.target, plan.number, ...versions]
  return hashedId(JSON.stringify([...named, ...laterRound(plan.round)]))
}

/** What tells the texts of a later round from those of the first one, whose names have none. */
function laterRound(round: number): string[] {
  return round === 0 ? [] : [`round ${round}`]
}

/** Returns the prompts of the first part and of further parts. */
function partPrompts({ form, prompts, promptLanguage }: TextsPlan) {
  return [prompts(form.first, promptLanguage), prompts(form.next, promptLanguage)] as const
}

function provenanceFor(ctx: TextsContext, plan: TextsPlan, parts: CheckedScene['parts']): Provenance {
  const [first, next] = partPrompts(plan)
  const { length, style, tone, instructions, temperature, contextTokens } = ctx.parameters
  return {
    method: 'generative',
    model: [...new Set(parts.map(part => part.model))].join(', '),
    prompt: first.note,
    usage: parts.map(part => part.usage).reduce(addUsage, noUsage),
    finishReason: parts.at(-1)?.finishReason ?? '',
    parameters: {
      ...parts.at(-1)?.parameters,
      ...defined({ ...plan.recorded, ...length, style, tone, instructions, temperature }),
      ...{ contextTokens, parts: parts.length },
      ...(parts.length > 1 && { continuePrompt: next.note.version }),
    },
    ...defined({ brief: plan.brief || undefined }),
  }
}
