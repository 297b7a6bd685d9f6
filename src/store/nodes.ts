/** The processes that share a store, as each tells of itself. */

/** An attempt that a process runs. */
export interface RunningAttempt {
  taskId: string
  taskType: string
  lane: string
  attempt: number
  /** Epoch milliseconds. */
  startedAt: number
}

/** What a process tells of itself, for people who ask which processes there are. */
export interface NodeState {
  nodeId: string
  /** What it does. */
  roles: readonly string[]
  /** Worker slots per lane; empty for one that runs no tasks. */
  lanes: Readonly<Record<string, number>>
  /** The newest version of the parameters that it runs, by task type; absent where its build does not say. */
  types?: Readonly<Record<string, number>>
  running: number
  /** Of these by lane; absent where its build does not say. */
  busy?: Readonly<Record<string, number>>
  /** The attempts that run, the longest first, at most 200; absent where its build does not say. */
  attempts?: readonly RunningAttempt[]
  startedAt: number
  seenAt: number
  /** Of the program; absent where its build does not say. */
  version?: string
  pid: number
  host: string
}

/** The processes that share a store. */
export interface NodeStore {
  report(node: Omit<NodeState, 'seenAt'>): Promise<void>
  remove(nodeId: string): Promise<void>
  /** Those seen within the last minute. */
  list(): Promise<readonly NodeState[]>
  /** Ends the transactions that processes left open which are gone: who writes the same would wait for them. */
  endTransactions(nodeIds: readonly string[]): Promise<void>
}
