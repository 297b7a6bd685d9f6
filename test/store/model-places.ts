/** Where the store under random commands keeps its truth; here a file. */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { sqlite } from 'quillwork/sqlite'
import type { Store } from '../../src/store/store.ts'
import { testFolder } from './sqlite-files.ts'

/** What a store takes from the world around it. */
export interface Ground {
  now: number
  /** The next commits fail, as on a broken disk. */
  failingCommits: number
}

/** The place of one run: the store is opened there, again and again. */
export interface Place {
  open(ground: () => Ground | undefined): Promise<Store>
  /** Waits until parents have counted their sub-tasks. */
  rest(store: Store): Promise<void>
  remove(): Promise<void>
}

/** Fails as a broken disk does, if the world says so. */
export function breakIfAsked(ground: Ground | undefined): void {
  if (ground === undefined || ground.failingCommits === 0) return
  ground.failingCommits -= 1
  throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' })
}

/** A file system in memory, where there is one: the model is about order, not about disks. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A file of its own. Its summaries are written with the moves of the sub-tasks. */
export function sqlitePlace(): Place {
  const folder = testFolder(fastFolder)
  return {
    open: async ground =>
      sqlite({
        file: folder.file('tasks.db'),
        now: () => ground()?.now ?? 0,
        faults: { beforeCommit: () => breakIfAsked(ground()) },
      }),
    rest: async () => undefined,
    remove: async () => folder.remove(),
  }
}
