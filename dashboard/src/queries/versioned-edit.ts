import { hashKey, useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError } from '../api/client.ts'

/**
 * Writes over what the person saw. Where the server has a newer version (412), that is read, and `write` decides anew: to write over that one, or to
 * write nothing, with undefined. Returns what was written.
 */
export async function overNewest<Seen, Saved>(
  seen: Seen,
  write: (seen: Seen) => Promise<Saved> | undefined,
  read: () => Promise<Seen>,
): Promise<Saved | undefined> {
  try {
    return await write(seen)
  } catch (failure) {
    if (!(failure instanceof ApiError) || failure.status !== 412) throw failure
    return overNewest(await read(), write, read)
  }
}

/** What is edited, as the server has it. Of something larger, the version may be newer with the same value. */
export interface Versioned<T> {
  readonly value: T
  readonly version: number
}

/** Writes a value over a version. Rejects with 412 where there is a newer one. */
type Write<T> = (value: T, version: number) => Promise<Versioned<T>>

interface VersionedEditOptions<T> {
  write: Write<T>
  /** Reads what is there, for the cache too. */
  read: () => Promise<Versioned<T>>
  /** `isAll`: nothing was typed since it was sent. */
  onSaved?: (isAll: boolean) => void
}

/** What a person types over what others change too. */
export interface VersionedEdit<T> {
  readonly typed: T
  readonly isChanged: boolean
  /** What somebody else saved since the person began, to be shown beside what is typed until one of both is chosen. */
  readonly theirs: T | undefined
  readonly isPending: boolean
  readonly error: unknown
  readonly type: (value: T) => void
  /** Saves what is typed, or has `write` save something else in its place. Nothing is overwritten unseen. */
  readonly save: (write?: Write<T>) => void
  readonly keepMine: () => void
  readonly takeTheirs: () => void
}

/** Lets a person edit what the server has. While nothing is typed, the field follows what is there; what is typed stays until it is saved or dropped. */
export function useVersionedEdit<T>(
  there: Versioned<T>,
  { write, read, onSaved }: VersionedEditOptions<T>,
): VersionedEdit<T> {
  const [{ seen, typed }, setState] = useState({ seen: there, typed: there.value })
  const saving = useMutation({
    mutationFn: ({ over, value, put }: { over: Versioned<T>; value: T; put: Write<T> }) =>
      overNewest(over, now => (isSame(now.value, over.value) ? put(value, now.version) : undefined), read),
    onSuccess(saved, { value }) {
      if (saved === undefined) return
      const isAll = isSame(typed, value)
      setState({ seen: saved, typed: isAll ? saved.value : typed })
      onSaved?.(isAll)
    },
  })
  const isChanged = !isSame(typed, seen.value)
  // What comes while a save is on its way may be what was sent. One that keeps what is typed over theirs began from theirs.
  const isSaving = saving.isPending && saving.variables.over.version === seen.version
  const isOlder = seen.version < there.version && !isSaving
  const isOutrun = isOlder && isChanged && !isSame(there.value, seen.value) && !isSame(there.value, typed)
  if (isOlder && !isOutrun)
    setState({ seen: there, typed: isChanged && isSame(there.value, seen.value) ? typed : there.value })
  return {
    typed,
    isChanged,
    theirs: isOutrun ? there.value : undefined,
    isPending: saving.isPending,
    error: saving.error,
    type: value => setState({ seen, typed: value }),
    save(put = write) {
      if (!saving.isPending) saving.mutate({ over: seen, value: typed, put })
    },
    keepMine: () => saving.mutate({ over: there, value: typed, put: write }),
    takeTheirs: () => setState({ seen: there, typed: there.value }),
  }
}

/** Whatever the order of the fields. */
function isSame(one: unknown, other: unknown): boolean {
  return hashKey([one]) === hashKey([other])
}
