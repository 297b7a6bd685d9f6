import type { TaskJson } from 'quillwork/http'
import { describe, expect, test } from 'vitest'
import { advanceOf, detailOf, type TaskTree, treeLines } from '../../src/cli/task-lines.ts'

const base: TaskJson = {
  id: 'a',
  taskType: 'ImportNovel',
  userId: 'local',
  status: 'RUNNING',
  done: false,
  phase: 'executing',
  lane: 'default',
  priority: 'normal',
  tags: [],
  parameters: {},
  parametersVersion: 1,
  timestamps: { createdAt: '2026-03-01T00:00:00.000Z', updatedAt: '2026-03-01T00:00:00.000Z' },
  attempt: 1,
  retryCount: 0,
  rootTaskId: 'a',
  depth: 0,
  round: 0,
  version: 1,
}

const task = (fields: Partial<TaskJson>): TaskJson => ({ ...base, ...fields })
const leaf = (fields: Partial<TaskJson>): TaskTree => ({ task: task(fields), children: [], more: 0 })
const failure = {
  code: 'TEXT_UNREADABLE',
  message: 'There is\nno text.',
  retryable: false,
  errorClass: 'permanent',
} as const

describe('what a task does', () => {
  test.each([
    [{ progress: { done: 3, total: 12, stage: 'reading' } }, '[######------------------] 3/12, reading'],
    [
      { subTaskStatusSummary: { COMPLETED: 5, FAILED: 1, RUNNING: 2, QUEUED: 4 } },
      '[############------------] 6/12',
    ],
    [{ status: 'RETRYING', retryCount: 2, errorInfo: failure }, 'TEXT_UNREADABLE: There is no text.'],
    [{ status: 'QUEUED', retryCount: 2 }, 'retry 2'],
    [{ status: 'QUEUED' }, ''],
    [
      { status: 'COMPLETED', done: true, result: { novelId: 'n', volumes: 1, chapters: 12, words: 26_468 } },
      '1 volume, 12 chapters, 26,468 words',
    ],
    [
      {
        taskType: 'BatchGenerateSummary',
        status: 'COMPLETED',
        done: true,
        result: { total: 2, success: 1, failed: 1 },
      },
      '1 summary, 1 failed',
    ],
    [
      {
        taskType: 'BatchGenerateScene',
        status: 'COMPLETED',
        done: true,
        result: { total: 3, success: 2, proposed: 1 },
      },
      '2 scenes, 1 with candidates',
    ],
    [{ status: 'COMPLETED', done: true, result: { total: 2, success: 2 } }, '2 done'],
    [
      {
        taskType: 'GenerateScene',
        status: 'COMPLETED',
        done: true,
        result: { words: 9, accepted: false, candidates: [{}] },
      },
      '9 words, 1 candidate',
    ],
    [
      {
        status: 'COMPLETED',
        done: true,
        result: { words: 0, skipped: true, accepted: false, candidates: [] },
      },
      'skipped',
    ],
    [{ status: 'FAILED', done: true, errorInfo: failure }, 'TEXT_UNREADABLE: There is no text.'],
    [{ status: 'COMPLETED', done: true, result: 'text' }, ''],
  ] as [Partial<TaskJson>, string][])('%j is told as %j', (fields, text) => {
    expect(detailOf(task(fields), { bars: true })).toBe(text)
  })

  test('own progress counts before that of sub-tasks', () => {
    const both = task({ progress: { done: 1, total: 3 }, subTaskStatusSummary: { QUEUED: 9 } })
    expect(advanceOf(both)).toEqual({ done: 1, total: 3 })
  })
})

test('a tree is drawn with its branches, and says what it leaves out', () => {
  const batch: TaskTree = {
    task: task({ taskType: 'Batch', subTaskStatusSummary: { QUEUED: 3 } }),
    children: [leaf({ taskType: 'One', status: 'QUEUED' })],
    more: 2,
  }
  const tree: TaskTree = {
    task: task({ progress: { done: 1, total: 3 } }),
    children: [leaf({ taskType: 'Parse', status: 'COMPLETED', done: true }), batch],
    more: 0,
  }
  expect(treeLines(tree, { bars: false })).toEqual([
    'ImportNovel              RUNNING      1/3',
    '├─ Parse                 COMPLETED',
    '└─ Batch                 RUNNING      0/3',
    '   ├─ One                QUEUED',
    '   └─ 2 more sub-tasks',
  ])
})
