/** The port of what attempts write while they run, for others to follow. */
import { QuillworkError } from '../task/errors.ts'
import type { Applied } from '../task/transition.ts'
import type { Fenced } from './attempts.ts'

/** Longest text of a piece, in UTF-16 code units. */
export const longestPiece = 16_384
/** Longest output of an attempt, in UTF-16 code units. */
export const longestOutput = 4_000_000

/** A part of the output of an attempt. */
export interface OutputPiece {
  /** From 1, without a gap within the attempt. */
  sequence: number
  /** At most `longestPiece`. */
  text: string
}

/** A part of the output of this attempt. */
export type OutputWrite = Fenced & OutputPiece

/** Returns the error of a piece whose predecessor is not there. */
export function gapError({ taskId, sequence }: OutputWrite): QuillworkError {
  return new QuillworkError(
    'OPTION_INVALID',
    `Piece ${sequence} of the output of ${taskId} would leave a gap; append pieces in order.`,
  )
}

/** How far somebody has read: up to this piece of this attempt. */
export interface OutputPlace {
  attempt: number
  sequence: number
}

/** What there is to read. */
export interface Output {
  /** The newest attempt that wrote anything; 0 when none has, or what it wrote is deleted. It may be an earlier one than that which holds the task now. */
  attempt: number
  /** After the place that was asked for if that is of this attempt, else from the start. In order, without a gap. */
  pieces: readonly OutputPiece[]
}

/** The text that an attempt writes while it runs. Only the newest attempt that wrote has any: its first piece deletes that of earlier ones. */
export interface OutputStore {
  /**
   * Adds pieces, fenced by the attempt; those of one attempt in the order of their sequences. One that is there already changes nothing and
   * is `applied`. Throws OPTION_INVALID for a sequence that would leave a gap.
   */
  append(writes: readonly OutputWrite[]): Promise<Applied[]>
  /** At most `limit` pieces; `from` with attempt 0 means from the start. */
  read(taskId: string, from: OutputPlace, limit: number): Promise<Output>
}
