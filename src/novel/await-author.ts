import { z } from 'zod'
import { PermanentError, QuillworkError, type TaskContext, type TaskRecord } from '../index.ts'
import type { CandidateStatus } from './library/candidates.ts'
import type { Scene } from './library/scenes.ts'
import { storedStep } from './models/calls.ts'
import { type NovelServices, unlessFailed } from './services.ts'

/** The signal that the author has decided about a candidate of the task. */
export const reviewSignal = 'review'
/** Whether a task waits for that signal, or will: any other one would keep it and never take it. */
export function awaitsReview({ waits = [], parameters }: Pick<TaskRecord, 'parameters' | 'waits'>): boolean {
  if (waits.some(({ signal }) => signal === reviewSignal)) return true
  const { awaitAuthor: isAwaited } = (JSON.parse(parameters) ?? {}) as { awaitAuthor?: unknown }
  return isAwaited === true
}

/** A decision of which no signal came is seen after this time. */
const lookAgain = '1d'

/** A text of a task, and what became of it as far as it is known. */
interface Proposed {
  readonly candidateId: string
  status: CandidateStatus
}

/**
 * Waits until one of the texts was accepted, or none is open; `made` then says so. Throws where the scene then has no text: a retry begins another
 * round of texts.
 */
export async function awaitAuthor(
  ctx: TaskContext & { readonly services: NovelServices },
  sceneId: string,
  { made, round }: { made: readonly Proposed[]; round: number },
): Promise<void> {
  const { candidates, scenes } = ctx.services.library
  for (;;) {
    for (const each of made) {
      const { candidateId } = each
      const find = () => candidates.candidate(ctx.userId, { sceneId, candidateId })
      // One that is not kept any more was displaced by newer ones.
      each.status = (await unlessFailed('CANDIDATE_NOT_FOUND', find))?.status ?? 'discarded'
    }
    if (made.some(({ status }) => status === 'accepted')) return
    if (made.every(({ status }) => status === 'discarded')) break
    await ctx.waitFor(reviewSignal, { schema: z.unknown(), timeout: lookAgain }).catch(unlessTimedOut)
  }
  if (!(await scenes.scene(ctx.userId, sceneId)).empty) return
  await ctx.checkpoint(discardKey(round + 1), () => ctx.attempt)
  throw new PermanentError(
    'Its texts were discarded, and the scene has none. Retry the task to have another one written, or accept one of them first.',
    { code: 'TEXTS_DISCARDED' },
  )
}

function discardKey(number: number): string {
  return `texts discarded ${number}`
}

/**
 * Returns the number of the texts that the task is to write, from 0: after it failed because those before were discarded, and a person retried it, it writes
 * others. Not where the author wrote the scene meanwhile, or accepted one of those.
 */
export async function roundOfTexts(
  ctx: Pick<TaskContext, 'checkpoint' | 'retriedAttempt'>,
  { empty }: Pick<Scene, 'empty'>,
): Promise<number> {
  for (let round = 0; ; round++) {
    const key = discardKey(round + 1)
    const discardedIn = await storedStep<number>(ctx, key)
    if (discardedIn === undefined || discardedIn > ctx.retriedAttempt) return round
    // A checkpoint: the new text may enter the scene.
    if (!(await ctx.checkpoint(`${key}, others wanted`, () => empty))) return round
  }
}

function unlessTimedOut(error: unknown): void {
  if (!(error instanceof QuillworkError) || error.code !== 'SIGNAL_TIMEOUT') throw error
}
