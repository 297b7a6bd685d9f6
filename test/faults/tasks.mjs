// The task types of the fault rows: handlers that obey their parameters and write down what they do.
import { setTimeout as sleep } from 'node:timers/promises'
import { defineTask, PermanentError } from 'quillwork'
import { z } from 'zod'
import { say } from '../process/crash/program.mjs'

/** Failures of a flaky task before it completes. */
const failures = 2

/**
 * @param ledger Where the handlers write down what they do.
 * @param boot Number of this process within the run.
 * @param pass Called at named points within a handler.
 * @param retry Retry policy of all types.
 * @param newer Whether this is the next version of the program: one type more, and other parameters of a leaf.
 */
export function faultTasks({ ledger, boot, pass, retry, newer }) {
  const begin = ({ taskId, attempt }) => ledger.note({ is: 'started', taskId, attempt, boot })
  const effect = ({ taskId, attempt, parameters }) => {
    ledger.effect({ is: 'effect', taskId, attempt, effectKey: parameters.key, boot })
    pass('after-effect')
  }
  const behaviours = behavioursOf(ledger)
  const result = z.object({ key: z.string(), attempt: z.number(), completed: z.number().optional() })

  const leaf = defineTask({
    type: 'Leaf',
    parametersVersion: newer ? 2 : 1,
    parameters: z.object({ key: z.string(), kind: z.enum(Object.keys(behaviours)), ms: z.number() }),
    result,
    retry,
    async execute(ctx) {
      begin(ctx)
      const { key, kind } = ctx.parameters
      await behaviours[kind](ctx, leaf)
      effect(ctx)
      if (kind === 'flaky' && ctx.attempt <= failures) throw new Error('not yet')
      if (kind === 'permanent') throw new PermanentError('never')
      return { key, attempt: ctx.attempt }
    },
  })

  const submitChildren = ctx => {
    const { key, children, ms, inChain } = ctx.parameters
    const items = children.map((kind, index) => ({
      key: `${index}`,
      ...(inChain && index > 0 ? { after: [`${index - 1}`] } : {}),
      parameters: { key: `${key}/${index}`, kind, ms },
    }))
    return ctx.submitSubTasks(leaf, items)
  }

  const parentParameters = z.object({
    key: z.string(),
    children: z.array(z.string()),
    ms: z.number(),
    inChain: z.boolean().optional(),
  })
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

  const newcomer = defineTask({
    type: 'Newcomer',
    parameters: z.object({ key: z.string() }),
    result,
    retry,
    async execute(ctx) {
      begin(ctx)
      effect(ctx)
      return { key: ctx.parameters.key, attempt: ctx.attempt }
    },
  })

  return newer ? { leaf, parent, reducer, newcomer } : { leaf, parent, reducer }
}

/** What a leaf does before its effect, by kind. */
function behavioursOf(ledger) {
  const work = ({ parameters, signal }) => sleep(parameters.ms, undefined, { signal })
  return {
    /** Works for its time and completes. */
    quick: work,
    /** Fails twice, then completes. */
    flaky: work,
    /** Fails for good. */
    permanent: work,
    /** Goes on until its signal. */
    hang: ({ signal }) => sleep(2 ** 30, undefined, { signal }),
    /** Takes its process with it, whenever it runs. */
    poison: () => process.abort(),
    /** Holds the event loop for its time in its first attempt. */
    async block(ctx, leaf) {
      if (ctx.attempt > 1) return
      say('blocking', { taskId: ctx.taskId })
      const until = performance.now() + ctx.parameters.ms
      while (performance.now() < until);
      await comeLate(ledger, ctx, leaf)
    },
    /** In its first attempt ends as soon as its process was stopped and goes on; later ones work for their time. */
    async oversleep(ctx) {
      if (ctx.attempt > 1) return work(ctx)
      await untilGoesOn()
    },
    /** In its first attempt tries to write once its process was stopped and goes on. */
    async pause(ctx, leaf) {
      if (ctx.attempt > 1) return
      const wokeAt = await untilGoesOn()
      ctx.signal.addEventListener('abort', () => {
        ledger.note({
          is: 'signalled',
          taskId: ctx.taskId,
          attempt: ctx.attempt,
          afterMs: Date.now() - wokeAt,
        })
      })
      await comeLate(ledger, ctx, leaf)
    },
  }
}

/** Answers when the process was stopped and goes on, and the time. */
function untilGoesOn() {
  return new Promise(resolve => process.once('SIGCONT', () => resolve(Date.now())))
}

/** What a late attempt tries to write, and what it is told: all of it has to be refused. */
async function comeLate(ledger, ctx, leaf) {
  const { taskId, attempt } = ctx
  const child = { key: `${ctx.parameters.key}/late`, kind: 'quick', ms: 1 }
  const writes = {
    checkpoint: () => ctx.checkpoint('late', () => 'value'),
    subTask: () => ctx.submitSubTask(leaf, child, { key: 'late' }),
  }
  for (const [write, attemptIt] of Object.entries(writes)) {
    const answer = await attemptIt().then(
      () => 'applied',
      error => error.code ?? error.name,
    )
    ledger.note({ is: 'late', taskId, attempt, write, answer })
  }
}
