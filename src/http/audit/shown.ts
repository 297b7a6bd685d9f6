/** What a line of the audit trail shows of a request: which ids and choices it names, and of all other texts how long they are. */

/** Bytes of a body above which its size alone is shown. */
const mostBytes = 2_000
/** Elements of a list, and fields of an object, that are shown. */
const mostItems = 20
/** Levels of objects and lists in a body that are shown. */
const mostLevels = 4

/**
 * Fields whose texts are shown: ids and choices. The text of any other field may be that of a novel or a secret, and nothing in it tells, so
 * its length is shown alone.
 */
const shownFields: ReadonlySet<string> = new Set([
  ...[
    'id',
    'taskId',
    'userId',
    'novelId',
    'volumeId',
    'chapterId',
    'sceneId',
    'entryId',
    'threadId',
    'unitId',
  ],
  ...['uploadId', 'exportId', 'snapshotId', 'candidateId', 'modelId', 'promptId'],
  ...['taskType', 'lane', 'priority', 'status', 'code', 'fingerprint', 'format', 'language'],
  ...['role', 'sees', 'provider', 'model', 'uses', 'currency'],
  ...['expiresAt', 'startAt', 'deadline', 'delay', 'openedAfter', 'openedBefore'],
])

/** Fields that hold whatever a task type of any program takes: of these, one level is shown. */
const opaqueFields: ReadonlySet<string> = new Set(['parameters', 'payload'])

/** An id or a choice: on one line, without white space. */
const shownText = /^[^\s\p{Cc}]{1,200}$/u

/** Returns what is shown of a JSON body. `bytes`: how long it was sent, undefined where nobody said. */
export function shownBody(body: unknown, bytes: number | undefined): unknown {
  if (body === undefined || body === null) return undefined
  if (bytes !== undefined && bytes > mostBytes) return `[${bytes} bytes]`
  const shown = shownOf(body, '', mostLevels)
  const length = Buffer.byteLength(JSON.stringify(shown))
  return length > 2 * mostBytes ? `[${length} bytes]` : shown
}

/** Returns what is shown of the parameters of a query; undefined for none. */
export function shownQuery(query: unknown): Record<string, unknown> | undefined {
  const shown = shownOf(query, '', 2)
  return isObject(shown) && Object.keys(shown).length > 0 ? shown : undefined
}

function shownOf(value: unknown, field: string, levels: number): unknown {
  if (typeof value === 'string')
    return shownFields.has(field) && shownText.test(value) ? value : `[${value.length} characters]`
  if (Array.isArray(value)) {
    if (levels === 0) return `[list of ${value.length}]`
    const items = value.slice(0, mostItems).map(each => shownOf(each, field, levels - 1))
    return value.length > mostItems ? [...items, `[${value.length - mostItems} more]`] : items
  }
  if (!isObject(value)) return value
  const fields = Object.entries(value)
  if (levels === 0) return `[object with ${fields.length} fields]`
  const shown = fields
    .slice(0, mostItems)
    .map(([name, each]): [string, unknown] => [
      name.slice(0, 100),
      shownOf(each, name, opaqueFields.has(name) ? 1 : levels - 1),
    ])
  if (fields.length > mostItems) shown.push(['…', `[${fields.length - mostItems} more]`])
  return Object.fromEntries(shown)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
