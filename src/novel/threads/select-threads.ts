/** Which threads of the story a prompt is told at a place, and why the others are left out. */
import { isBefore } from '../library/shelf.ts'
import type { ThreadsAtPlace, ToldThread } from '../library/threads.ts'
import type { BlockSource, LeftOutSource } from '../models/blocks.ts'
import type { MaterialText } from '../models/context.ts'
import type { PromptLanguage } from '../prompts/prompts.ts'
import { oneLine, type Standing, standingAt } from './thread.ts'

/** The threads of a prompt. */
export interface SelectedThreads {
  /** Those of which something is due first, then those that are overdue, then the others; each group in the order of the author. */
  readonly told: readonly MaterialText[]
  readonly leftOut: readonly LeftOutSource[]
}

/** Returns the threads that are open at a place, and those that its scene is to plant. */
export function selectThreads({ threads, place }: ThreadsAtPlace, language: PromptLanguage): SelectedThreads {
  const told: { text: MaterialText; rank: number }[] = []
  const leftOut: LeftOutSource[] = []
  for (const thread of threads) {
    const standing = standingAt(thread, place)
    const { state, isDue, isOverdue } = standing
    const source: BlockSource = { of: 'thread', id: thread.id, title: thread.title }
    if (state !== 'open' && !isDue) {
      // What the text had, and has no longer, plants nothing.
      const isLost =
        state === 'planned' &&
        thread.events.some(each => !each.isQuoted && each.place !== undefined && isBefore(each.place, place))
      leftOut.push({
        ...source,
        reason: isLost ? 'out-of-date' : state === 'planned' ? 'not-planted' : state,
      })
      continue
    }
    const why = isDue ? 'due' : isOverdue ? 'overdue' : 'open'
    const text = rendered(thread, standing, language)
    told.push({ text: { text, source, why }, rank: ['due', 'overdue', 'open'].indexOf(why) })
  }
  const sorted = told.toSorted((one, other) => one.rank - other.rank)
  return { told: sorted.map(({ text }) => text), leftOut }
}

const words = {
  en: {
    plant: 'plant it here',
    resolve: 'resolve it here',
    overdue: 'open, overdue',
    open: 'open',
    last: (quotation: string) => `Last in the text: “${quotation}”`,
    heading: (title: string, how: string) => `${title} (${how})`,
    joint: ': ',
  },
  zh: {
    plant: '在此埋下',
    resolve: '在此回收',
    overdue: '未回收，已逾期',
    open: '未回收',
    last: (quotation: string) => `正文中最近一处：“${quotation}”`,
    heading: (title: string, how: string) => `${title}（${how}）`,
    joint: '：',
  },
} as const

/** Returns what a prompt says of a thread. */
function rendered(
  { title, plan }: ToldThread,
  { state, isDue, isOverdue, last }: Standing,
  language: PromptLanguage,
): string {
  const { heading, joint, last: quoted, ...how } = words[language]
  const due = state === 'planned' ? how.plant : how.resolve
  const head = heading(title, isDue ? due : isOverdue ? how.overdue : how.open)
  const first = plan.trim() === '' ? head : `${head}${joint}${plan.trim()}`
  return last === undefined ? first : `${first}\n${quoted(oneLine(last.quotation))}`
}
