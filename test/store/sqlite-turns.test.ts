import { expect, it, onTestFinished, vi } from 'vitest'
import { createTurns } from '../../src/store/sqlite/session.ts'
import { createGate } from '../../src/testing/index.ts'

it('reads run together; a write waits for those before it, and those after it wait for the write', async () => {
  const turns = createTurns()
  const seen: string[] = []
  const [first, second, write] = [createGate(), createGate(), createGate()]
  const work = (name: string, gate: ReturnType<typeof createGate>) => async () => {
    seen.push(`${name} begins`)
    await gate.opened
    seen.push(`${name} ends`)
    return name
  }
  const reads = [turns.read(work('first', first)), turns.read(work('second', second))]
  const written = turns.write(work('write', write))
  const later = turns.read(async () => seen.push('later'))
  second.open()
  expect(await reads[1]).toBe('second')
  expect(seen).toEqual(['first begins', 'second begins', 'second ends'])
  first.open()
  write.open()
  await Promise.all([...reads, written, later])
  expect(seen.slice(3)).toEqual(['first ends', 'write begins', 'write ends', 'later'])
})

it('what fails harms only its caller', async () => {
  const turns = createTurns()
  const fail = () => Promise.reject(new RangeError('no'))
  const failed = [turns.read(fail), turns.write(fail), turns.read(fail)]
  const after = [turns.write(async () => 'written'), turns.read(async () => 'read')]
  expect((await Promise.allSettled(failed)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'))
  expect(await Promise.all(after)).toEqual(['written', 'read'])
})

it('what later turns wait for holds nothing that was read', async () => {
  const waiting = vi.spyOn(Promise, 'allSettled')
  onTestFinished(() => waiting.mockRestore())
  const turns = createTurns()
  for (const page of ['first', 'second', 'third']) await turns.read(async () => page)
  const before = waiting.mock.calls.map(([awaited]) => [...awaited][0])
  expect(await Promise.all(before)).toEqual([undefined, undefined, undefined])
})
