/** Large texts: they live apart, so that the many small writes of a task never copy them, and no document grows too large. */

import type { TaskRecord } from '../../task/task.ts'
import { type LargeText, type PayloadDocument, recordOf, type TaskDocument } from './documents.ts'
import { collections } from './indexes.ts'
import { type Context, findTasks, replaceAll } from './session.ts'

/** A text with more characters than this lives apart. */
const longestInline = 65_536
/** Characters of a part at most; one takes three bytes at most, and a document 16 MB. */
const longestPart = 4_194_304

/** A large text and the payload that holds it. */
export interface LargeValue {
  taskId: string
  field: LargeText
  payload: string
  text: string
}

/**
 * Returns the payload for a text, under a fresh name; undefined for a text that stays in the document.
 *
 * @param longest Characters of a text that stays there at most.
 */
export function largeValue(
  context: Context,
  taskId: string,
  field: LargeText,
  text: unknown,
  longest = longestInline,
): LargeValue | undefined {
  if (typeof text !== 'string' || text.length <= longest) return undefined
  return { taskId, field, text, payload: `${taskId}/${field}/${context.nextName()}` }
}

/** Writes payloads. Await it before the write that names them. */
export function writePayloads(context: Context, values: readonly LargeValue[]): Promise<void> {
  const at = new Date(context.now())
  return replaceAll(
    context,
    'payloads',
    collections.payloads,
    values.flatMap(value => partsOf(value, at)),
  )
}

/** Deletes payloads that no task names. Best effort: what is left goes with the task, or where there is none is trimmed. */
export function dropPayloads({ database, payloads }: Context, names: readonly string[]): void {
  if (names.length === 0) return
  database
    .run('drop payloads', () => payloads.deleteMany({ payload: { $in: [...names] } }))
    .catch(() => undefined)
}

/** A text is cut between characters, never within a surrogate pair: half of one could not be stored. */
function partsOf({ taskId, payload, text }: LargeValue, at: Date): PayloadDocument[] {
  const parts: PayloadDocument[] = []
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + longestPart)
    if (to < text.length && isLowSurrogate(text.charCodeAt(to))) to -= 1
    const part = parts.length
    parts.push({ _id: `${payload}/${part}`, payload, part, taskId, content: text.slice(from, to), at })
    from = to
  }
  return parts
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

/** Reads of a document of which a text was replaced between reading the document and reading the text. */
const mostReads = 4

/** Returns the records of documents, with their large texts: one read more per page that has any. */
export async function recordsOf(context: Context, documents: readonly TaskDocument[]): Promise<TaskRecord[]> {
  let current = documents
  for (let reads = 1; ; reads += 1) {
    const texts = await readPayloads(context, current.flatMap(payloadsOf))
    const torn = current.filter(document => payloadsOf(document).some(name => !texts.has(name)))
    if (torn.length === 0 || reads === mostReads) return current.map(document => recordOf(document, texts))
    const ids = torn.map(({ _id }) => _id)
    const fresh = await findTasks(context, 'read payloads', { _id: { $in: ids } })
    const byId = new Map(fresh.map(document => [document._id, document]))
    current = current.map(document => byId.get(document._id) ?? document)
  }
}

function payloadsOf({ large }: TaskDocument): string[] {
  return large === undefined ? [] : Object.values(large)
}

async function readPayloads(
  { database, payloads }: Context,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (names.length === 0) return new Map()
  const parts = await database.run('read payloads', () =>
    payloads.find({ payload: { $in: [...names] } }, { sort: { payload: 1, part: 1 } }).toArray(),
  )
  const texts = new Map<string, string>()
  for (const { payload, content } of parts) texts.set(payload, (texts.get(payload) ?? '') + content)
  return texts
}
