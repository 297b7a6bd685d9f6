/** Examples of the bodies that most clients begin with. A test holds each against its schema. */

const taskId = '01999a31-5e0c-7c3a-9d52-7f1c6f0a2b11'
const novelId = '01999a2f-0b7d-7b1e-8a44-2c9d1f3e5a77'
const createdAt = '2026-01-31T12:00:00.000Z'

const queued = {
  id: taskId,
  taskType: 'BatchGenerateSummary',
  userId: 'local',
  status: 'QUEUED',
  done: false,
  phase: 'executing',
  lane: 'batch',
  priority: 'normal',
  tags: ['again', `novel:${novelId}`],
  parameters: { novelId },
  parametersVersion: 1,
  timestamps: { createdAt, updatedAt: createdAt },
  attempt: 0,
  retryCount: 0,
  rootTaskId: taskId,
  depth: 0,
  round: 0,
  version: 1,
}

const running = {
  ...queued,
  status: 'RUNNING',
  phase: 'awaiting-subtasks',
  timestamps: { createdAt, startedAt: '2026-01-31T12:00:01.000Z', updatedAt: '2026-01-31T12:00:04.000Z' },
  attempt: 1,
  subTaskStatusSummary: { QUEUED: 9, RUNNING: 2, COMPLETED: 3 },
  version: 4,
}

const cancelled = {
  ...running,
  status: 'CANCELLED',
  done: true,
  phase: 'executing',
  subTaskStatusSummary: { CANCELLED: 11, COMPLETED: 3 },
  timestamps: { ...running.timestamps, completedAt: '2026-01-31T12:00:09.000Z' },
  version: 6,
}

/** What an operation takes, and what it sends by status. */
interface Examples {
  takes?: unknown
  sends?: Readonly<Record<string, unknown>>
}

/** The examples, by `operationId`. */
export const examples: Readonly<Record<string, Examples>> = {
  submitTask: {
    takes: { taskType: 'BatchGenerateSummary', parameters: { novelId }, tags: ['again'] },
    sends: {
      202: queued,
      400: {
        type: 'urn:quillwork:error:PARAMETERS_INVALID',
        title: 'The parameters do not match the schema of the task type.',
        status: 400,
        detail: 'The parameters of GenerateSummary are invalid: /novelId is no text.',
        instance: '/v1/tasks',
        code: 'PARAMETERS_INVALID',
        retryable: false,
        errors: [{ in: 'body', pointer: '/parameters/novelId', detail: 'Invalid input: expected string' }],
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      },
    },
  },
  getTask: { sends: { 200: running } },
  listTasks: { sends: { 200: { items: [running], nextPageToken: 'eyJhZnRlciI6MX0' } } },
  countTasks: {
    sends: {
      200: {
        counts: {
          ...{ QUEUED: 9, RUNNING: 3, RETRYING: 0, COMPLETED: 31, COMPLETED_WITH_ERRORS: 0 },
          ...{ FAILED: 0, CANCELLED: 0, DEAD_LETTER: 1 },
        },
        total: 44,
      },
    },
  },
  cancelTask: { sends: { 200: cancelled } },
  retryTask: { takes: { keepCheckpoints: true }, sends: { 202: { retried: 12, task: queued } } },
  signalTask: { takes: { name: 'approval', payload: { approved: true } } },
  getTaskOutput: {
    sends: { 200: { attempt: 1, text: 'The scale was wrong by a thumb.', after: '1.4', status: 'RUNNING' } },
  },
  estimateTask: {
    takes: { taskType: 'BatchGenerateSummary', parameters: { novelId } },
    sends: { 200: { calls: 0, inputTokens: 0, outputTokens: 0, seconds: 0, byModel: [] } },
  },
  retryDeadLetters: { takes: { filter: { code: 'PROVIDER_FAILED' } } },
  createNovel: { takes: { title: 'The Salt Ledger', author: 'A. Writer', language: 'en' } },
  confirmUpload: { takes: { title: 'The Salt Ledger' }, sends: { 202: { taskId, novelId } } },
  updateScene: { takes: { content: 'The scale was wrong by a thumb.' } },
}
