// The load of the crash tests: task types that note what they do, and the plan of what is submitted.
import { setTimeout as sleep } from 'node:timers/promises'
import { defineTask, PermanentError } from 'quillwork'
import { z } from 'zod'

const leafKinds = ['quick', 'flaky', 'permanent', 'step', 'hang']
const result = z.object({ key: z.string(), attempt: z.number(), completed: z.number().optional() })
const leafParameters = z.object({ key: z.string(), kind: z.enum(leafKinds) })
const parentParameters = z.object({ key: z.string(), children: z.array(z.enum(leafKinds)) })
/** Crashes are granted without end here: how they are counted is another test. */
const retry = { maxAttempts: 10_000, backoff: [3] }

/** Failures of a flaky task before it completes. */
const failures = 2

/**
 * @param pass Called at named points within a handler.
 */
export function loadTasks({ ledger, boot, pass }) {
  const begin = ctx => ledger.note({ is: 'started', taskId: ctx.taskId, attempt: ctx.attempt, boot })
  const effect = ctx => {
    const { taskId, attempt, parameters } = ctx
    ledger.effect({ is: 'effect', taskId, attempt, effectKey: parameters.key, boot })
    pass('after-effect')
  }

  const leaf = defineTask({
    type: 'Leaf',
    parameters: leafParameters,
    result,
    retry,
    async execute(ctx) {
      begin(ctx)
      const { key, kind } = ctx.parameters
      if (kind === 'hang') await untilAborted(ctx.signal)
      await sleep(1 + (ctx.taskId.charCodeAt(5) % 4))
      if (kind === 'step') await step(ctx)
      effect(ctx)
      if (kind === 'flaky' && ctx.attempt <= failures) throw new Error('not yet')
      if (kind === 'permanent') throw new PermanentError('never')
      return { key, attempt: ctx.attempt }
    },
  })

  /** A step that was kept is not run again. */
  async function step(ctx) {
    const { taskId, attempt } = ctx
    await ctx.checkpoint('step', () => ledger.note({ is: 'step', taskId, attempt, boot }) ?? null)
    ledger.note({ is: 'step-kept', taskId, attempt, boot })
  }

  const submitChildren = ctx =>
    ctx.submitSubTasks(
      leaf,
      ctx.parameters.children.map((kind, index) => ({
        key: `${index}`,
        parameters: { key: `${ctx.parameters.key}/${index}`, kind },
      })),
    )

  const parent = defineTask({
    type: 'Parent',
    parameters: parentParameters,
    result,
    retry,
    async execute(ctx) {
      begin(ctx)
      await submitChildren(ctx)
      effect(ctx)
      return { key: ctx.parameters.key, attempt: ctx.attempt }
    },
  })

  const reducer = defineTask({
    type: 'Reducer',
    parameters: parentParameters,
    result,
    retry,
    async execute(ctx) {
      begin(ctx)
      await submitChildren(ctx)
    },
    async onSubTasksSettled(ctx) {
      begin(ctx)
      let completed = 0
      for await (const child of ctx.subTasks(leaf)) completed += child.status === 'COMPLETED' ? 1 : 0
      effect(ctx)
      return { key: ctx.parameters.key, attempt: ctx.attempt, completed }
    },
  })

  return { leaf, parent, reducer }
}

function untilAborted(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

const mixed = ['quick', 'flaky', 'step', 'quick', 'permanent', 'quick']

/**
 * The nth task of the plan. Of twenty: ten quick, two flaky, one failing for good, one with a step, two parents, two reducers, one
 * that hangs until it is cancelled, and one parent of such.
 */
export function planned(tasks, index, key) {
  const turn = index % 20
  if (turn < 10) return { type: tasks.leaf, parameters: { key, kind: 'quick' } }
  if (turn < 12) return { type: tasks.leaf, parameters: { key, kind: 'flaky' } }
  if (turn === 12) return { type: tasks.leaf, parameters: { key, kind: 'permanent' } }
  if (turn === 13) return { type: tasks.leaf, parameters: { key, kind: 'step' } }
  if (turn === 14) return { type: tasks.parent, parameters: { key, children: mixed } }
  if (turn === 15) return { type: tasks.parent, parameters: { key, children: ['permanent', 'permanent'] } }
  if (turn < 18) return { type: tasks.reducer, parameters: { key, children: mixed } }
  if (turn === 18) return { type: tasks.leaf, parameters: { key, kind: 'hang' }, cancelled: true }
  // More than there are slots: some of them wait when the parent is cancelled.
  const children = Array.from({ length: 12 }, (_, n) => (n % 4 === 1 ? 'quick' : 'hang'))
  return { type: tasks.parent, parameters: { key, children }, cancelled: true }
}
