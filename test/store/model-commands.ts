/** The random commands: what happens to a store, at the right time and at the wrong one. */
import type fc from 'fast-check'
import type { Command } from './model-command.ts'
import * as people from './model-people.ts'
import * as workers from './model-workers.ts'

const { submit, relay, work, claimDelivery, claimAny, loseDelivery } = workers
const { submitSubTasks, fanOut, finishAll, settle, report } = workers
const { advance, sweep, sweepLate, aggregate, look, cancelSeen, cancel, signal } = people
const { retry, retryFailed, discard, pause, prune, reopen } = people

/** Every command, with how often it comes. */
export const commands: fc.Arbitrary<Command>[] = [
  ...[
    submit,
    submit,
    submit,
    work,
    work,
    work,
    work,
    relay,
    claimDelivery,
    claimDelivery,
    claimAny,
    loseDelivery,
  ],
  ...[
    submitSubTasks,
    fanOut,
    fanOut,
    fanOut,
    finishAll,
    settle,
    settle,
    settle,
    settle,
    settle,
    settle,
    report,
  ],
  ...[advance, advance, sweep, sweepLate, aggregate, aggregate, aggregate, look, cancelSeen, cancel, signal],
  ...[retry, retry, retryFailed, discard, pause, prune, reopen],
]
