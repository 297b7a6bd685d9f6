import { describe, expect, it } from 'vitest'
import { noEntries } from '../../../src/novel/codex/select-entries.ts'
import type { ToldThread } from '../../../src/novel/library/threads.ts'
import { fitMaterial, onlyCodex } from '../../../src/novel/models/context.ts'
import { selectThreads } from '../../../src/novel/threads/select-threads.ts'

type Event = ToldThread['events'][number]

function event(kind: Event['kind'], chapter: number, quotation = 'A comb.', isQuoted = true): Event {
  return { kind, scene: `s${chapter}`, quotation, isQuoted, place: [chapter, 0] }
}

function thread(id: string, more: Partial<ToldThread>): ToldThread {
  return { id, title: `The ${id}`, plan: '', events: [], ...more }
}

const threads: readonly ToldThread[] = [
  thread('open', { plan: 'Hers.', events: [event('planted', 1), event('advanced', 2, 'It glints.')] }),
  thread('late', { events: [event('planted', 1)], resolveAt: [2, 0] }),
  thread('ends here', { plan: ' It breaks. ', events: [event('planted', 1)], resolveAt: [4, 0] }),
  thread('begins here', { plan: 'A letter.', plantAt: [4, 0] }),
  thread('to come', { plan: 'SPOILER', plantAt: [6, 0] }),
  thread('done', { plan: 'Past.', events: [event('resolved', 3)] }),
  thread('lost', { plan: 'Gone.', events: [event('planted', 1, 'gone', false)] }),
  thread('later', { plan: 'SPOILER', events: [event('planted', 4), event('resolved', 5)] }),
]

describe('the threads of a prompt', () => {
  it('are those that are open there, or that the scene is to plant: what is due first, then what is overdue', () => {
    const { told, leftOut } = selectThreads({ threads, place: [4, 0] }, 'en')
    expect(told.map(({ text, why }) => [why, text])).toEqual([
      ['due', 'The ends here (resolve it here): It breaks.\nLast in the text: “A comb.”'],
      ['due', 'The begins here (plant it here): A letter.'],
      ['overdue', 'The late (open, overdue)\nLast in the text: “A comb.”'],
      ['open', 'The open (open): Hers.\nLast in the text: “It glints.”'],
    ])
    expect(leftOut.map(({ id, reason }) => [id, reason])).toEqual([
      ['to come', 'not-planted'],
      ['done', 'resolved'],
      ['lost', 'out-of-date'],
      ['later', 'not-planted'],
    ])
    expect(told.map(({ source }) => source)[0]).toEqual({
      of: 'thread',
      id: 'ends here',
      title: 'The ends here',
    })
  })

  it('are told in Chinese', () => {
    const { told } = selectThreads({ threads: threads.slice(0, 4), place: [4, 0] }, 'zh')
    expect(told.map(({ text }) => text)).toEqual([
      'The ends here（在此回收）：It breaks.\n正文中最近一处：“A comb.”',
      'The begins here（在此埋下）：A letter.',
      'The late（未回收，已逾期）\n正文中最近一处：“A comb.”',
      'The open（未回收）：Hers.\n正文中最近一处：“It glints.”',
    ])
  })

  it('have a tenth of the material; one that is too long leaves its space to the others, and says so', () => {
    const open = (id: string, plan: string) => thread(id, { plan, events: [event('planted', 1)] })
    const { told, leftOut } = selectThreads(
      { threads: [open('long', 'x'.repeat(2_000)), open('short', 'y')], place: [4, 0] },
      'en',
    )
    const material = { ...onlyCodex(noEntries), threads: told, leftOut: { threads: leftOut } }
    const count = (text: string) => text.length
    const { threads: slot } = fitMaterial(material, 1_000, count)
    expect(slot).toMatchObject({
      text: expect.stringMatching(/^The short \(open\): y\n/),
      shown: [{ id: 'short', reason: { why: 'open' } }],
      leftOut: [{ id: 'long', reason: 'over-budget' }],
    })
    expect(fitMaterial(material, 100, count).threads).toMatchObject({ text: '', shown: [] })
  })
})
