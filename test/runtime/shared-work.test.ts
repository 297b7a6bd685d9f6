import { describe, expect, test } from 'vitest'
import { createSharedWork } from '../../src/runtime/shared-work.ts'

/** Work that runs until it is told to end, and that tells what became of it. */
function workshop() {
  const running = new Map<string, (value: string) => void>()
  const aborted: string[] = []
  const work = (name: string) => (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      running.set(name, resolve)
      signal.addEventListener('abort', () => {
        aborted.push(name)
        running.delete(name)
        reject(signal.reason)
      })
    })
  const end = (name: string) => {
    running.get(name)?.(`${name} done`)
    running.delete(name)
  }
  return { running, aborted, work, end }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

describe('shared work', () => {
  test('runs a few at a time, the longest waiting first', async () => {
    const { running, work, end } = workshop()
    const shared = createSharedWork<string>(2)
    const all = ['a', 'b', 'c', 'd'].map(name => shared.join(name, work(name)))
    await settled()
    expect([...running.keys()]).toEqual(['a', 'b'])
    end('b')
    await settled()
    expect([...running.keys()]).toEqual(['a', 'c'])
    for (const name of ['a', 'c']) end(name)
    await settled()
    end('d')
    expect(await Promise.all(all)).toEqual(['a done', 'b done', 'c done', 'd done'])
  })

  test('is one for all who ask for the same, and is done anew once it has ended', async () => {
    const { running, work, end } = workshop()
    const shared = createSharedWork<string>(1)
    const both = [shared.join('a', work('first')), shared.join('a', work('second'))]
    await settled()
    expect([...running.keys()]).toEqual(['first'])
    end('first')
    expect(await Promise.all(both)).toEqual(['first done', 'first done'])
    const again = shared.join('a', work('third'))
    await settled()
    end('third')
    expect(await again).toBe('third done')
  })

  test('ends when all have left who waited for it, and leaves its place to the next', async () => {
    const { running, aborted, work, end } = workshop()
    const shared = createSharedWork<string>(1)
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()]
    const outcomes = Promise.allSettled([
      shared.join('a', work('a'), first.signal),
      shared.join('a', work('a'), second.signal),
      shared.join('b', work('b'), third.signal),
    ])
    const last = shared.join('c', work('c'))
    await settled()
    first.abort('first left')
    third.abort('third left')
    await settled()
    expect([[...running.keys()], aborted]).toEqual([['a'], []])
    second.abort('second left')
    await settled()
    expect([[...running.keys()], aborted]).toEqual([['c'], ['a']])
    end('c')
    expect(await last).toBe('c done')
    expect(await outcomes).toEqual(
      ['first left', 'second left', 'third left'].map(reason => ({ status: 'rejected', reason })),
    )
  })

  test('that fails does so for all who wait, and for nobody who asks later', async () => {
    const shared = createSharedWork<string>(1)
    const failing = async () => {
      throw new Error('no paper')
    }
    const both = await Promise.allSettled([shared.join('a', failing), shared.join('a', failing)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await shared.join('a', async () => 'fine')).toBe('fine')
  })

  test('is asked for in vain by a client that has left', async () => {
    const shared = createSharedWork<string>(1)
    let isBegun = false
    const begin = async () => {
      isBegun = true
      return 'done'
    }
    await expect(shared.join('a', begin, AbortSignal.abort('gone'))).rejects.toBe('gone')
    expect(isBegun).toBe(false)
  })
})
