/** How many of the tokens of a prompt each kind of material may have. */
import type { WhyShown } from './blocks.ts'

/** The share of the codex; what is always told may have more. */
export const codexShare = 0.25

/** Marks where a text is cut. */
export const cutMark = '… '

/** Which part of the material a slot may have, and how its texts are fitted. */
export interface Share {
  /** Of what the codex, the threads and the references leave; of these two, of all. */
  readonly part: number
  readonly why: WhyShown
  /** Between two texts; default a blank line. */
  readonly joint?: string
  /** The last sentences of the first text that does not fit are taken behind this mark. Texts with a mark are nearest first. */
  readonly mark?: string
  /** A text that does not fit leaves its space to those behind it. */
  readonly passesOver?: boolean
}

/** The texts before the scene have the remainder, at least half. */
export const shares = {
  chapterSummaries: { part: 0.2, why: 'before', mark: cutMark },
  passages: { part: 0.2, why: 'close' },
  names: { part: 0.1, why: 'found', joint: '\n' },
} as const satisfies Record<string, Share>

/** A kind of material that shares what others leave. */
export type SharingSlot = keyof typeof shares

/** All of these kinds. */
export const sharingSlots = Object.keys(shares) as SharingSlot[]

/** The shares that do not depend on the codex, of all tokens: what is short of space leaves it to the rest. */
export const asideShares = {
  threads: { part: 0.1, why: 'open', passesOver: true },
  referenceVoice: { part: 0.1, why: 'example', passesOver: true },
  referenceFacts: { part: 0.1, why: 'close', passesOver: true },
} as const satisfies Record<string, Share>

/** A kind of material with a share of all tokens. */
export type AsideSlot = keyof typeof asideShares

/** All of these kinds. */
export const asideSlots = Object.keys(asideShares) as AsideSlot[]
