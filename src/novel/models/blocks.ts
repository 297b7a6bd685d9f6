/**
 * The blocks of the prompt of a scene: what a model is shown, in order, where it is from and why, and what was left out. What varies least from scene
 * to scene stands first, so that a provider can keep the beginning; the text before the scene stands last. The texts of all blocks, one behind the
 * other, are what is sent: the first one as the system message, the rest as the prompt.
 */
import type { TextSpan } from '../../ai/model.ts'
import type { WhyNot, WhyTold } from '../codex/select-entries.ts'
import type { Level } from '../library/levels.ts'
import type { RenderedPrompt } from '../prompts/prompts.ts'

/** The kinds of blocks. Each but `system` and `request` has a slot of the same name in the prompts, or several. */
export const blockKinds = [
  'system',
  'novel',
  'styleSheet',
  'voice',
  'referenceVoice',
  'codex',
  'referenceFacts',
  'threads',
  'chapterSummaries',
  'passages',
  'names',
  'plan',
  'request',
  'textBefore',
  'written',
] as const

/** What a block is. `referenceVoice`, `referenceFacts`: of the references that the novel names. `plan`: what happens. `request`: what the author asks for, and the words of the prompt itself. */
export type BlockKind = (typeof blockKinds)[number]

/** Where a text of a prompt is from: an entry of the codex, a thread, a scene, all of a chapter or of more, or a name that was found in the text. */
export interface BlockSource {
  readonly of: 'entry' | 'thread' | 'scene' | Level | 'name'
  readonly id: string
  /** Name of the entry, title of the thread, of the scene or of the chapter; of a passage, that of its chapter. */
  readonly title: string
  /** Title of the reference that it is from; absent where it is of the novel itself. */
  readonly reference?: string
  /** Of a passage: its place in the scene. */
  readonly span?: TextSpan
  /** A summary of which something changed since it was made. */
  readonly isOutOfDate?: true
}

/** By what a passage was found: by words, or by words and meaning. */
export type PassagesBy = 'words' | 'both'

/**
 * Why a text is in a prompt. `before`: it is right before the scene, or tells what was. `close`: it is close to what happens in the scene. `found`: the texts
 * have that name. `example`: of how a reference sounds. `open`: a thread is open there; `due`: the scene is to plant or to resolve it; `overdue`: an earlier scene was to resolve it.
 */
export type WhyShown = 'before' | 'close' | 'found' | 'example' | 'open' | 'due' | 'overdue'

/** A text of a prompt. */
export interface ShownSource extends BlockSource {
  readonly reason: WhyTold | { readonly why: WhyShown; readonly by?: PassagesBy }
  readonly tokens: number
  /** Only a part of it fits: of a summary of long ago the beginning, of what is near the end. */
  readonly isCut?: true
}

/**
 * Why a text is not in a prompt: by the rules of the codex; another point of view; it comes later in the story; its scene was changed since it was
 * indexed, or no longer has the quotation that plants a thread; it is shown in another block; a prompt of one's own has no slot for it; no summary of it was
 * made; a thread is not planted yet, or is resolved.
 */
export type WhyLeftOut =
  | WhyNot
  | 'other-view'
  | 'later'
  | 'out-of-date'
  | 'shown-elsewhere'
  | 'no-slot'
  | 'no-summary'
  | 'not-planted'
  | 'resolved'

/** A text that is not in a prompt. */
export interface LeftOutSource extends BlockSource {
  readonly reason: WhyLeftOut
  /** Where they were counted. */
  readonly tokens?: number
}

/** The sources of a block. */
export interface BlockSources {
  readonly shown: readonly ShownSource[]
  readonly leftOut: readonly LeftOutSource[]
}

/** A block of a prompt. Without sources it says what the author or the prompt says. */
export interface PromptBlock extends BlockSources {
  readonly kind: BlockKind
  readonly text: string
  /** Of its text, as they are estimated for the model. */
  readonly tokens: number
}

/** The slots that are no block of their own. */
const kindsOfSlots: Readonly<Record<string, BlockKind>> = { summary: 'plan', next: 'plan', told: 'plan' }

function kindOf(slot: string | undefined): BlockKind {
  return blockKinds.find(kind => kind === slot) ?? kindsOfSlots[slot ?? ''] ?? 'request'
}

/** Returns the blocks of a prompt. What is not in it stands where it would be, in blocks without a text. */
export function blocksOf(
  { system, pieces }: RenderedPrompt,
  sources: Readonly<Partial<Record<BlockKind, BlockSources>>>,
  countTokens: (text: string) => number,
): readonly PromptBlock[] {
  const stretches: { kind: BlockKind; text: string }[] = []
  for (const { slot, text } of pieces) {
    if (text === '') continue
    const last = stretches.at(-1)
    // A gap belongs to what is before it.
    const kind = last !== undefined && text.trim() === '' ? last.kind : kindOf(slot)
    if (last?.kind === kind) last.text += text
    else stretches.push({ kind, text })
  }
  const said: PromptBlock[] = [{ kind: 'system' as const, text: system }, ...stretches].map(
    ({ kind, text }) => {
      const { shown = [], leftOut = [] } = sources[kind] ?? {}
      return { kind, text, tokens: countTokens(text), shown, leftOut }
    },
  )
  for (const kind of blockKinds) {
    const { shown = [], leftOut = [] } = said.some(block => block.kind === kind) ? {} : (sources[kind] ?? {})
    const all = [...shown.map(source => ({ ...source, reason: 'no-slot' as const })), ...leftOut]
    if (all.length === 0) continue
    const next = said.findIndex(block => blockKinds.indexOf(block.kind) > blockKinds.indexOf(kind))
    said.splice(next < 0 ? said.length : next, 0, { kind, text: '', tokens: 0, shown: [], leftOut: all })
  }
  return said
}

/** What is the same for all scenes of a novel; and what, beside that, is the same for all parts of a scene. */
const ofNovel: readonly BlockKind[] = ['system', 'novel', 'styleSheet', 'voice', 'referenceVoice']
const ofScene: readonly BlockKind[] = [
  ...ofNovel,
  'codex',
  'referenceFacts',
  'threads',
  'chapterSummaries',
  'passages',
  'names',
]

/** Returns the places in a prompt up to which others begin in the same way: those of other scenes, and, if `isShared`, those of further parts. */
export function stableEndsOf(blocks: readonly PromptBlock[], isShared: boolean): readonly number[] {
  const endOf = (kinds: readonly BlockKind[]) => {
    const changes = blocks.findIndex(({ kind }) => !kinds.includes(kind))
    const same = changes < 0 ? blocks : blocks.slice(0, changes)
    return same.slice(1).reduce((sum, { text }) => sum + text.length, 0)
  }
  const ends = [endOf(ofNovel), ...(isShared ? [endOf(ofScene)] : [])]
  return [...new Set(ends)].filter(end => end > 0)
}

/** A block as it is kept with a text: without its own. */
export interface BlockNote extends Omit<PromptBlock, 'text'> {
  /** Further sources that were left out. */
  readonly moreLeftOut?: number
}

/** Most sources of a block of the first part that are kept with a text as left out; those of further parts are counted. */
const mostKept = 100
/** What is left out by its own rules is kept last. */
const expected: readonly WhyLeftOut[] = ['not-mentioned', 'not-related', 'never', 'not-planted', 'resolved']

/** Returns blocks as they are kept with a text. */
export function notesOf(blocks: readonly PromptBlock[], isFirst: boolean): readonly BlockNote[] {
  const most = isFirst ? mostKept : 0
  return blocks.map(({ text: _, leftOut, ...block }) => {
    const isExpected = ({ reason }: LeftOutSource) => Number(expected.includes(reason))
    const sorted = leftOut.toSorted((one, other) => isExpected(one) - isExpected(other))
    const more = Math.max(0, leftOut.length - most)
    return { ...block, leftOut: sorted.slice(0, most), ...(more > 0 && { moreLeftOut: more }) }
  })
}
