import { describe, expect, it } from 'vitest'
import { createEmitter } from '../../src/runtime/emitter.ts'

describe('an emitter', () => {
  it('calls every listener until it unsubscribes; one that listens twice is two', () => {
    const emitter = createEmitter<[number]>()
    const heard: number[] = []
    const listener = (value: number) => heard.push(value)
    const unsubscribe = emitter.on(listener)
    emitter.on(listener)
    emitter.emit(1)
    unsubscribe()
    unsubscribe()
    emitter.emit(2)
    expect(heard).toEqual([1, 1, 2])
    expect(emitter.size).toBe(1)
  })

  it('calls the others where one throws or rejects, and reports the error with what was emitted', async () => {
    const failures: unknown[] = []
    const emitter = createEmitter<[string]>((error, value) => failures.push([error, value]))
    const heard: string[] = []
    emitter.on(() => {
      throw 'thrown'
    })
    emitter.on(async () => {
      throw 'rejected'
    })
    emitter.on(value => heard.push(value))
    emitter.emit('x')
    await Promise.resolve()
    expect(heard).toEqual(['x'])
    expect(failures).toEqual([
      ['thrown', 'x'],
      ['rejected', 'x'],
    ])
  })
})
