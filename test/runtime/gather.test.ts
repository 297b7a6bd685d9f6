import { describe, expect, it } from 'vitest'
import { createLazyWrites, Failed, gather } from '../../src/runtime/gather.ts'
import { createGate } from '../../src/testing/recorder.ts'

describe('calls of one moment', () => {
  it('are one call, and each gets its own answer or error', async () => {
    const calls: number[][] = []
    const gathered = gather<number, number>(async items => {
      calls.push(items)
      return items.map(item => (item < 0 ? new Failed(new RangeError(`${item}`)) : item * 2))
    })
    const answers: unknown[] = []
    for (const item of [1, -2, 3]) gathered.add(item, (error, answer) => answers.push(error ?? answer))
    await gathered.idle()
    expect(calls).toEqual([[1, -2, 3]])
    expect(answers).toEqual([2, new RangeError('-2'), 6])
  })

  it('are several calls where they are many, each answered by itself', async () => {
    const calls: number[][] = []
    const gathered = gather<number, number>(
      async items => {
        calls.push(items)
        return items.map(item => item * 2)
      },
      { perCall: 2 },
    )
    expect(await gathered.send([1, 2, 3, 4, 5])).toEqual([2, 4, 6, 8, 10])
    expect(calls).toEqual([[1, 2], [3, 4], [5]])
  })

  it('count by their weight: a heavy one has a call of its own', async () => {
    const calls: number[][] = []
    const gathered = gather<number, number>(
      async items => {
        calls.push(items)
        return items
      },
      { perCall: 3, weightOf: item => item },
    )
    expect(await gathered.send([1, 1, 1, 2, 9, 1, 2])).toEqual([1, 1, 1, 2, 9, 1, 2])
    expect(calls).toEqual([[1, 1, 1], [2], [9], [1, 2]])
  })

  it('that are more than one call leave the event loop its turns, and keep their order', async () => {
    const happened: (number[] | string)[] = []
    const work = async (items: number[]) => {
      happened.push(items)
      return items
    }
    const gathered = gather<number, number>(work, { perCall: 2 })
    const sent = gathered.send([1, 2, 3, 4, 5])
    for (const turn of ['first turn', 'second turn']) {
      await new Promise(setImmediate)
      happened.push(turn)
      if (turn === 'first turn') gathered.add(6)
    }
    expect(await sent).toEqual([1, 2, 3, 4, 5])
    await gathered.idle()
    expect(happened).toEqual([[1, 2], 'first turn', [3, 4], 'second turn', [5, 6]])
  })

  it('are answered each by itself: one that throws takes no answer from its neighbours', async () => {
    const thrown: unknown[] = []
    const failed = (error: unknown) => thrown.push(error)
    let refuses = false
    const work = async (items: number[]) => (refuses ? Promise.reject('refused') : items)
    const gathered = gather<number, number>(work, { failed })
    for (const isRefused of [false, true]) {
      refuses = isRefused
      const answers: unknown[] = []
      for (const item of [1, 2, 3])
        gathered.add(item, (error, answer) => {
          if (item === 1) throw `${item}`
          answers.push(error ?? answer)
        })
      await gathered.idle()
      expect(answers).toEqual(isRefused ? ['refused', 'refused'] : [2, 3])
    }
    expect(thrown).toEqual(['1', '1'])
  })

  it('get the error of work that throws at once', async () => {
    const gathered = gather<number, number>(() => {
      throw new RangeError('at once')
    })
    await expect(gathered.send([1, 2])).rejects.toThrow('at once')
    await gathered.idle()
  })

  it('wait for none that is on its way, unless one batch is to go at a time', async () => {
    const gate = createGate()
    const calls: string[] = []
    const work = async (items: string[]) => {
      calls.push(items.join(''))
      await gate.opened
      return items
    }
    const overlapping = gather<string, string>(work)
    const ordered = gather<string, string>(work, { largest: 2 })
    const sent = [overlapping.send(['a']), ordered.send(['p', 'q', 'r'])]
    await new Promise(setImmediate)
    sent.push(overlapping.send(['b']), ordered.send(['s', 't']))
    await new Promise(setImmediate)
    expect(calls).toEqual(['a', 'pq', 'b'])
    expect([overlapping.size(), ordered.size()]).toEqual([0, 3])
    gate.open()
    expect(await Promise.all(sent)).toEqual([['a'], ['p', 'q', 'r'], ['b'], ['s', 't']])
    await ordered.idle()
    expect(calls).toEqual(['a', 'pq', 'b', 'rs', 't'])
  })

  it('all fail when their call fails; the next ones do not', async () => {
    let isAway = true
    const gathered = gather<number, number>(
      async items => {
        if (isAway) throw new Error('away')
        return items
      },
      { largest: 10 },
    )
    await expect(Promise.allSettled([gathered.send([1]), gathered.send([2])])).resolves.toMatchObject([
      { status: 'rejected', reason: { message: 'away' } },
      { status: 'rejected', reason: { message: 'away' } },
    ])
    isAway = false
    expect(await gathered.send([3])).toEqual([3])
    expect(await gathered.send([])).toEqual([])
  })
})

/** Longer than any test: only `flush` writes. */
const never = 3_600_000

describe('what is written lazily', () => {
  it('is one write of the newest value of each task, and can be read until it is made', async () => {
    const gate = createGate()
    const written: [string, number][][] = []
    const lazy = createLazyWrites<number>(never, async values => {
      written.push([...values])
      await gate.opened
    })
    lazy.set('a', 1)
    lazy.set('b', 1)
    lazy.set('a', 2)
    lazy.set('c', 1)
    lazy.delete('c')
    const flushing = lazy.flush()
    expect([lazy.get('a'), lazy.get('b'), lazy.get('c')]).toEqual([2, 1, undefined])
    lazy.set('a', 3)
    expect(lazy.get('a')).toBe(3)
    gate.open()
    await Promise.all([flushing, lazy.flush()])
    expect(written).toEqual([
      [
        ['a', 2],
        ['b', 1],
      ],
      [['a', 3]],
    ])
    expect(lazy.get('a')).toBeUndefined()
  })

  it('is waited for by a flush also when it is on its way already', async () => {
    const gate = createGate()
    let isDone = false
    const lazy = createLazyWrites<number>(never, () => gate.opened)
    lazy.set('a', 1)
    void lazy.flush()
    const second = lazy.flush().then(() => {
      isDone = true
    })
    await new Promise(setImmediate)
    expect(isDone).toBe(false)
    gate.open()
    await second
  })

  it('that fails is told to who flushes, and forgotten', async () => {
    const lazy = createLazyWrites<number>(never, () => Promise.reject(new Error('away')))
    lazy.set('a', 1)
    await expect(lazy.flush()).rejects.toThrow('away')
    expect(lazy.get('a')).toBeUndefined()
    await lazy.flush()
  })
})
