import { describe, expect, it } from 'vitest'
import { createLazyWrites } from '../../src/store/mongodb/lazy-writes.ts'
import { createGate } from '../../src/testing/gate.ts'

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
