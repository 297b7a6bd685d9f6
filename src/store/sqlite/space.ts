/**
 * What keeps the file and its log small. The log is copied into the file in parts that the event loop hardly notices, and pages that
 * nothing uses any more are given back to the file system a few at a time.
 */
import type { Database } from './driver.ts'

/** Pages of the log from which on it is copied into the file; 4 KB each. */
const mostLogPages = 8_000
/** The same where they made the file longer: such pages are all different, and each takes twice as long to copy. */
const mostNewPages = 1_000
/** Pages of the log from which on an idle store cuts it off. */
const idleLogPages = 256
/** Free pages from which on they are given back, when they are a quarter of the file too. What is left is for the next tasks. */
const mostFreePages = 2_048
/** Pages given back in one transaction. */
const releasedPerStep = 200
/**
 * Used pages up to which a file is rewritten, in one go: of an earlier build at its opening, any after something was deleted for good. It takes a
 * fraction of a second.
 */
const mostRewrittenPages = 8_192

/** The pages of the log: how many it has, and how many of them are in the file. */
export interface LogPages {
  written: number
  copied: number
}

/** Returns a reader of the pages of the log. Nobody may ask within a transaction. */
export function logPagesOf(db: Database): () => LogPages {
  const query = db.prepare('PRAGMA wal_checkpoint(NOOP)').raw()
  return () => {
    const [, written, copied] = query.get() as [busy: number, written: number, copied: number]
    return { written, copied }
  }
}

/** The space that a file takes. */
export interface Space {
  /** Free pages cannot be given back, and there are many: an earlier build made the file. */
  readonly isWasted: boolean
  /** So much was written that the log is to be copied into the file. */
  isCheckpointDue(): boolean
  /** Copies the log, all of which is synced, into the file; the next write begins it anew. Where that fails, the log grows on. */
  checkpoint(): void
  /** As `checkpoint`; gives back the space of a log that is not short. */
  truncateLog(): void
  /** So many pages are free that some are to be given back. */
  hasMuchFree(): boolean
  /** Gives some free pages back; runs within a transaction. The file gets shorter at the next checkpoint. */
  release(): void
  /** Free pages that can be given back. */
  freePages(): number
  /** Writes a short file anew, without what was deleted; nobody may ask within a transaction. Returns whether it is short. Throws what SQLite throws. */
  rewrite(): boolean
  /** As `checkpoint`; cuts the log off, however short it is. Throws what SQLite throws. */
  cutLog(): void
}

/** Before anything else is done with the file: one that an earlier build made is rewritten while that is short. */
export function createSpace(db: Database): Space {
  const logPages = logPagesOf(db)
  const count = (pragma: string) => {
    const query = db.prepare(`PRAGMA ${pragma}`).pluck()
    return () => Number(query.get())
  }
  const pages = count('page_count')
  const freePages = count('freelist_count')
  const hasMuchFree = () => freePages() > mostFreePages && freePages() * 4 > pages()
  const releases = canRelease(db, pages() - freePages())
  // Free pages that stay are cleared when they become free.
  if (!releases) db.pragma('secure_delete = ON')
  cutLogOff(db)
  /** The length of the file at the last checkpoint, in pages. */
  let length = pages()
  /** The same of the log: one that was begun anew is as long as it was. */
  let logLength = 0
  /** Pages of the log before which a checkpoint that failed is not tried again. */
  let tryAgainAt = 0

  function copyLog(mode: 'PASSIVE' | 'TRUNCATE', written: number): void {
    db.pragma(`wal_checkpoint(${mode})`)
    length = pages()
    logLength = mode === 'TRUNCATE' ? 0 : Math.max(logLength, written)
    tryAgainAt = 0
  }

  function checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    let written = 0
    try {
      written = logPages().written
      copyLog(mode, written)
    } catch {
      // A later commit tries again, and fails by itself once the log finds no room.
      tryAgainAt = written + mostNewPages
    }
  }

  return {
    isWasted: !releases && hasMuchFree(),
    isCheckpointDue() {
      try {
        const { written, copied } = logPages()
        if (written < tryAgainAt) return false
        return written - copied >= mostLogPages || pages() - length >= mostNewPages
      } catch {
        // A disk that cannot be read: whoever needs it is told.
        return false
      }
    },
    checkpoint: () => checkpoint('PASSIVE'),
    truncateLog() {
      if (Math.max(logLength, logPages().written) >= idleLogPages || pages() < length) checkpoint('TRUNCATE')
    },
    hasMuchFree: () => releases && hasMuchFree(),
    // The more are free, the longer it takes to find those at the end.
    release: () =>
      void db.pragma(`incremental_vacuum(${Math.ceil(releasedPerStep / (1 + freePages() / 50_000))})`),
    freePages: () => (releases ? freePages() : 0),
    rewrite() {
      const isShort = pages() - freePages() <= mostRewrittenPages
      if (isShort) db.exec('VACUUM')
      return isShort
    },
    cutLog: () => copyLog('TRUNCATE', 0),
  }
}

/** Returns whether free pages can be given back; a short file learns it here. */
function canRelease(db: Database, usedPages: number): boolean {
  const isIncremental = () => db.pragma('auto_vacuum', { simple: true }) === 2
  if (!isIncremental() && usedPages <= mostRewrittenPages) tryToRewrite(db)
  return isIncremental()
}

/** Writes the file anew; on a full disk it stays as it is. */
function tryToRewrite(db: Database): void {
  try {
    db.exec('VACUUM')
  } catch {
    // Its free pages are cleared when they become free.
  }
}

/** What a process that is gone has left, or a rewriting that found no room, may be long, however little of it is used. */
function cutLogOff(db: Database): void {
  try {
    db.pragma('wal_checkpoint(TRUNCATE)')
  } catch {
    // It stays, and a later checkpoint tries again.
  }
}
