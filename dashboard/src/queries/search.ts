import { isStatus, type Task } from '../api/task.ts'

/** What the address of the list of tasks says: filters and order. Absent: not restricted, newest first. */
export interface TasksSearch {
  status?: Task['status'][]
  type?: string[]
  user?: string
  lane?: string
  tag?: string
  /** Id of the novel that a task is about. */
  novel?: string
  /** Error code of an open dead letter. */
  code?: string
  /** RFC 3339. */
  after?: string
  before?: string
  /** Sub-tasks too; default only tasks without a parent. */
  all?: true
  order?: 'oldest'
}

/** What the address of a task says: which part of it is open, and which of its sub-tasks are shown. */
export interface TaskSearch {
  part?: TaskPart
  status?: Task['status'][]
  /** Sub-tasks of this task type alone. */
  type?: string
  /** Of the log: errors alone. */
  level?: 'error'
  /** Of the log: this attempt alone. */
  attempt?: number
}

/** A part of the page of a task that can be open. */
export type TaskPart = (typeof parts)[number]

/** What the address of the dead letters says: which group is open, else of which task type; and the task that is inspected. */
export interface DeadLettersSearch {
  fingerprint?: string
  type?: string
  task?: string
}

/** What the address of a novel says: what is searched for. */
export interface NovelSearch {
  q?: string
}

/** What the address of an addition says: the file that was sent. */
export interface AppendSearch {
  upload?: string
}

/** What the address of a scene says: which part of it is open (absent: its text), which entry of its history, what is asked for. */
export interface SceneSearch {
  part?: 'brief' | 'history'
  entry?: string
  /** The candidate that another text is asked for in place of. */
  insteadOf?: string
}

/** What the address of a chapter says: a passage, and the search that found it. */
export interface ChapterSearch {
  scene?: string
  /** Where the passage begins and ends in the text of the scene, UTF-16 code units. */
  from?: number
  to?: number
  q?: string
}

/** What the address of the overview says. */
export interface OverviewSearch {
  /** Over which time; absent: the last hour. */
  range?: 'day' | 'week'
  /** Of one lane, of one task type alone. */
  lane?: string
  type?: string
}

/** What the address of the limits says. */
export type LimitsSearch = Pick<OverviewSearch, 'range'>

/** What the address of the usage says. */
export interface UsageSearch {
  /** What the sums are of; absent: of models. */
  by?: 'day' | 'subject' | 'task'
  /** Over which time; absent: the last 30 days. */
  days?: '7' | '90' | 'all'
  /** Of one novel alone. */
  novel?: string
}

/** What the address of the audit trail says. One of `who`, `action`, `target` and `outcome` at a time. */
export interface AuditSearch {
  /** Id of who asked. */
  who?: string
  action?: string
  target?: string
  outcome?: (typeof auditOutcomes)[number]
  /** RFC 3339. */
  after?: string
  before?: string
}

/** What the address of the events says: of which task type, which lane, which task and what is below it. */
export interface EventsSearch {
  type?: string
  lane?: string
  task?: string
}

/** How a request ended that changes something. */
export const auditOutcomes = ['done', 'refused', 'failed'] as const

type Given = Record<string, unknown>

const parts = ['sub-tasks', 'attempts', 'text', 'log', 'parameters', 'result', 'usage'] as const
const sceneParts = ['brief', 'history'] as const
const levels = ['error'] as const
const sums = ['day', 'subject', 'task'] as const
const ranges = ['day', 'week'] as const
const spans = ['7', '90', 'all'] as const

/** Reads addresses. What cannot be read is left out: a mistyped address shows more, never nothing. */
export const searchOf = {
  tasks: (given: Given): TasksSearch => ({
    ...list('status', given['status'], isStatus),
    ...list('type', given['type'], isText),
    ...text('user', given['user']),
    ...text('lane', given['lane']),
    ...text('tag', given['tag']),
    // A task is found by one tag, and that of a novel is one.
    ...(given['tag'] === undefined ? text('novel', given['novel'] ?? given['parameters.novelId']) : {}),
    ...text('code', given['code']),
    ...time('after', given['after']),
    ...time('before', given['before']),
    ...(given['all'] === true ? { all: true } : {}),
    ...(given['order'] === 'oldest' ? { order: 'oldest' } : {}),
  }),
  task: (given: Given): TaskSearch => ({
    ...one('part', given['part'], parts),
    ...list('status', given['status'], isStatus),
    ...text('type', given['type']),
    ...one('level', given['level'], levels),
    ...offset('attempt', given['attempt']),
  }),
  deadLetters: (given: Given): DeadLettersSearch => ({
    ...text('fingerprint', given['fingerprint']),
    ...text('type', given['type']),
    ...text('task', given['task']),
  }),
  novel: (given: Given): NovelSearch => text('q', given['q']),
  append: (given: Given): AppendSearch => text('upload', given['upload']),
  chapter: (given: Given): ChapterSearch => ({
    ...text('scene', given['scene']),
    ...offset('from', given['from']),
    ...offset('to', given['to']),
    ...text('q', given['q']),
  }),
  scene: (given: Given): SceneSearch => ({
    ...one('part', given['part'], sceneParts),
    ...text('entry', given['entry']),
    ...text('insteadOf', given['insteadOf']),
  }),
  overview: (given: Given): OverviewSearch => ({
    ...one('range', given['range'], ranges),
    ...text('lane', given['lane']),
    ...text('type', given['type']),
  }),
  limits: (given: Given): LimitsSearch => one('range', given['range'], ranges),
  usage: (given: Given): UsageSearch => ({
    ...one('by', given['by'], sums),
    ...one('days', String(given['days']), spans),
    ...text('novel', given['novel']),
  }),
  audit: (given: Given): AuditSearch => {
    const by = [
      text('who', given['who']),
      text('action', given['action']),
      text('target', given['target']),
      one('outcome', given['outcome'], auditOutcomes),
    ].find(each => Object.keys(each).length > 0)
    return { ...by, ...time('after', given['after']), ...time('before', given['before']) }
  },
  events: (given: Given): EventsSearch => ({
    ...text('type', given['type']),
    ...text('lane', given['lane']),
    ...text('task', given['task']),
  }),
}

type Part<Name extends string, T> = { [Key in Name]?: T }

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Returns a text. One of digits alone comes as a number. */
function text<Name extends string>(name: Name, value: unknown): Part<Name, string> {
  const given = typeof value === 'number' ? String(value) : value
  return (isText(given) ? { [name]: given } : {}) as Part<Name, string>
}

/** Returns a place in a text. */
function offset<Name extends string>(name: Name, value: unknown): Part<Name, number> {
  const isPlace = typeof value === 'number' && Number.isInteger(value) && value >= 0
  return (isPlace ? { [name]: value } : {}) as Part<Name, number>
}

function time<Name extends string>(name: Name, value: unknown): Part<Name, string> {
  return isText(value) && !Number.isNaN(Date.parse(value)) ? text(name, value) : ({} as Part<Name, string>)
}

function one<Name extends string, T extends string>(
  name: Name,
  value: unknown,
  known: readonly T[],
): Part<Name, T> {
  const found = known.find(each => each === value)
  return (found === undefined ? {} : { [name]: found }) as Part<Name, T>
}

/** One or several values; a single one need not stand in a list. */
function list<Name extends string, T>(
  name: Name,
  value: unknown,
  is: (value: unknown) => value is T,
): Part<Name, T[]> {
  const found = (Array.isArray(value) ? value : [value]).filter(is)
  return (found.length === 0 ? {} : { [name]: found }) as Part<Name, T[]>
}
