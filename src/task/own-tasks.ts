/**
 * A task as its user may keep it, as plain JSON: the fields of its record with their values decoded and their times as RFC 3339, its `attempts`, its `log`, its
 * `output` and its `usage`. What only the engine needs is left out: claims, leases, processes, traces, checkpoints.
 */
export type OwnTask = Readonly<Record<string, unknown>>

/** What the calls of one key used, as a report of usage has it. */
export interface OwnUsage {
  readonly key: string
  readonly calls: number
}

/** What the engine has of the user of a task: for a task that gives a user all that is theirs. */
export interface OwnTasks {
  /** Returns all tasks of the user, the oldest first, a few at a time; those that are submitted meanwhile may be among them. */
  every(): AsyncIterable<OwnTask>
  /** Returns what the calls of models of the user used, summed as `usageReport` sums them. */
  usage(by: 'day' | 'subject' | 'model'): AsyncIterable<OwnUsage>
}
