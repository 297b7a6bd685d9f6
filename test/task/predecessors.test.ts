import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keysInTurn, predecessorsOf, type RefusedSubTask, SubTaskLine } from '../../src/task/predecessors.ts'
import type { NewTask } from '../../src/task/task.ts'

function taskOf(key: string, after: readonly string[] = []): NewTask {
  const task: NewTask = {
    id: key,
    taskType: 'Part',
    userId: 'local',
    lane: 'default',
    priority: 'normal',
    tags: [],
    parameters: 'null',
    parametersVersion: 1,
    parent: { taskId: 'whole', attempt: 1, rootTaskId: 'whole', key, depth: 1 },
  }
  if (after.length > 0) task.after = { keys: after, startWhen: 'completed' }
  return task
}

const keysOf = (tasks: readonly NewTask[]) => tasks.map(({ id }) => id)
const codesOf = (refused: readonly RefusedSubTask[]) =>
  Object.fromEntries(refused.map(({ key, error }) => [key, error.code]))

/** What sub-tasks there are, each with those before it that it starts after; and the order in which they are added. */
const families = fc
  .array(fc.array(fc.nat(11), { maxLength: 4 }), { minLength: 1, maxLength: 12 })
  .map(lists => lists.map((list, at) => [...new Set(list.filter(each => each < at))].map(String)))
  .chain(lists =>
    fc.tuple(
      fc.constant(lists),
      fc.shuffledSubarray([...lists.keys()], { minLength: lists.length, maxLength: lists.length }),
    ),
  )

describe('the line of sub-tasks', () => {
  it('has each behind those that it starts after, in whatever order they come', () => {
    fc.assert(
      fc.property(families, ([lists, order]) => {
        const line = new SubTaskLine()
        const keys = keysOf(order.flatMap(at => line.add(taskOf(String(at), lists[at]))))
        expect(keys.toSorted()).toEqual([...lists.keys()].map(String).toSorted())
        expect([line.unknown(), line.refusals()]).toEqual([[], []])
        for (const [at, after] of lists.entries())
          for (const each of after) expect(keys.indexOf(each)).toBeLessThan(keys.indexOf(String(at)))
      }),
    )
  })

  it('names what did not come, and goes on with what was there before', () => {
    const line = new SubTaskLine()
    expect(line.add(taskOf('b', ['a', 'old']))).toEqual([])
    expect(keysOf(line.add(taskOf('a')))).toEqual(['a'])
    expect(line.unknown()).toEqual(['old'])
    expect(keysOf(line.goesAhead('old'))).toEqual(['b'])
    expect(line.refusals()).toEqual([])
  })

  it('refuses what waits for an unknown sub-task, and what waits for that', () => {
    const line = new SubTaskLine()
    for (const task of [taskOf('c', ['b']), taskOf('b', ['no'])]) expect(line.add(task)).toEqual([])
    expect(line.unknown()).toEqual(['no'])
    expect(codesOf(line.refusals())).toEqual({ b: 'SUBTASK_UNKNOWN', c: 'SUBTASK_UNKNOWN' })
  })

  it('refuses a cycle, and what waits for it', () => {
    const line = new SubTaskLine()
    for (const task of [taskOf('a', ['b']), taskOf('b', ['a']), taskOf('c', ['a'])])
      expect(line.add(task)).toEqual([])
    const refused = line.refusals()
    expect(codesOf(refused)).toEqual({ a: 'SUBTASK_CYCLE', b: 'SUBTASK_CYCLE', c: 'SUBTASK_CYCLE' })
    expect(refused[0]?.error.message).toContain('"a" after "b" after "a"')
  })
})

describe('what a sub-task may start after', () => {
  it('is each sibling once, and nothing where it names none', () => {
    expect(predecessorsOf({ key: 'c', after: ['a', 'b', 'a'] })).toEqual({
      keys: ['a', 'b'],
      startWhen: 'completed',
    })
    expect([predecessorsOf({ key: 'c' }), predecessorsOf({ key: 'c', after: [] })]).toEqual([
      undefined,
      undefined,
    ])
  })

  it('is refused where it says another end, or names too many', () => {
    const many = Array.from({ length: 10_001 }, (_, at) => String(at))
    const startWhen = 'failed' as unknown as 'ended'
    const refusal = expect.objectContaining({ code: 'OPTION_INVALID' })
    expect(() => predecessorsOf({ key: 'c', after: ['a'], startWhen })).toThrow(refusal)
    expect(() => predecessorsOf({ key: 'c', after: many })).toThrow(refusal)
  })

  it('is looked at from the sibling that is waited for on', () => {
    const after = { keys: ['a', 'b', 'c', 'd'], startWhen: 'ended' } as const
    expect(keysInTurn(after, 'b')).toEqual(['b', 'a', 'd', 'c'])
    expect(keysInTurn(after, undefined)).toEqual(['d', 'c', 'b', 'a'])
  })
})
