/** Records in the database file of the tasks: a table a kind, its writes in the group commit of the file. */
import type { Database, Statement } from 'better-sqlite3'
import type { SharedDatabase } from '../store/sqlite/database.ts'
import {
  type AnyKind,
  type Change,
  holds,
  type Identified,
  isGuarded,
  type Kind,
  nextRevision,
  type Query,
  type Records,
  requireAllFit,
  type SumQuery,
  type Sums,
  type Value,
} from './records.ts'

/** The records of a file; a migration made their tables (see `tablesOf`). */
export function sqliteRecords(database: SharedDatabase): Records {
  return {
    get: (kind, ids, without = []) =>
      database.read(db => {
        const found = readRows(db, kind, selectByIds(kind, without, ids), without)
        return new Map(found.map(record => [record.id, record])) as never
      }),
    find: (kind, query, without = []) =>
      database.read(db => readRows(db, kind, select(kind, query, without), without) as never),
    sum: (kind, query) => database.read(db => readSums(db, selectSums(kind, query)) as never),
    async commit(changes) {
      requireAllFit(changes)
      const revision = nextRevision()
      return database.write(db => commit(db, changes, revision))
    },
  }
}

/** Returns the SQL that makes the tables and indexes of kinds. */
export function tablesOf(kinds: readonly AnyKind[]): string {
  return kinds.map(tableOf).join('\n')
}

/** Large fields stand last: a read that leaves them out does not touch their pages. */
function tableOf({ name, fields, large, indexes }: AnyKind): string {
  const columns = [
    'key INTEGER PRIMARY KEY',
    'id TEXT NOT NULL UNIQUE',
    'revision TEXT NOT NULL',
    ...Object.entries(fields).map(([field, type]) => `"${field}" ${type === 'text' ? 'TEXT' : 'INTEGER'}`),
    'body TEXT NOT NULL',
    ...Object.entries(large).map(([field, type]) => `"${field}" ${type === 'bytes' ? 'BLOB' : 'TEXT'}`),
  ]
  const making = Object.entries(indexes).map(
    ([index, on]) => `CREATE INDEX ${name}_${index} ON ${name} (${listed(on)});`,
  )
  return [`CREATE TABLE ${name} (${columns.join(', ')});`, ...making].join('\n')
}

function listed(fields: readonly string[]): string {
  return fields.map(field => `"${field}"`).join(', ')
}

/** A query as SQL with its values. */
export interface Sql {
  text: string
  values: readonly Value[]
}

type Conditions = Pick<Query<Record<string, unknown>>, 'equal' | 'above' | 'most'>

function where({ equal = {}, above = {}, most = {} }: Conditions, more: Sql = { text: '', values: [] }): Sql {
  const named = (values: object, condition: (field: string, value: unknown) => string) =>
    Object.entries(values).map(([field, value]) => condition(field, value))
  const conditions = [
    ...named(equal, (field, value) =>
      Array.isArray(value) ? `"${field}" IN (SELECT value FROM json_each(?))` : `"${field}" = ?`,
    ),
    ...named(above, field => `"${field}" > ?`),
    ...named(most, field => `"${field}" <= ?`),
    ...(more.text === '' ? [] : [more.text]),
  ]
  const values = [equal, above, most].flatMap(each => Object.values(each)).map(bound)
  const text = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  return { text, values: [...values, ...more.values] }
}

function bound(value: unknown): Value {
  return Array.isArray(value) ? JSON.stringify(value) : (value as Value)
}

/** Returns the SQL of `find`. */
export function select<R extends Identified>(
  kind: Kind<R>,
  query: Query<R>,
  without: readonly PropertyKey[] = [],
): Sql {
  const { order = [], reverse = false, after, limit } = query
  const place = order.map(() => '?').join(', ')
  const behind =
    after === undefined
      ? undefined
      : { text: `(${listed(order)}) ${reverse ? '<' : '>'} (${place})`, values: after }
  const { text, values } = where(query as Conditions, behind)
  const sorted = order.map(field => `"${field}"${reverse ? ' DESC' : ''}`).join(', ')
  return {
    text: `SELECT ${columnsOf(kind, without)} FROM ${kind.name}${text}${sorted && ` ORDER BY ${sorted}`}${limit === undefined ? '' : ' LIMIT ?'}`,
    values: limit === undefined ? values : [...values, limit],
  }
}

function selectByIds(kind: AnyKind, without: readonly PropertyKey[], ids: readonly string[]): Sql {
  const [id] = ids
  const columns = columnsOf(kind, without)
  if (ids.length === 1 && id !== undefined)
    return { text: `SELECT ${columns} FROM ${kind.name} WHERE id = ?`, values: [id] }
  const text = `SELECT ${columns} FROM ${kind.name} WHERE id IN (SELECT value FROM json_each(?))`
  return { text, values: [JSON.stringify(ids)] }
}

/** What is known of a kind once: the order of its columns, and the statement that writes a row. */
interface Plan {
  fields: readonly string[]
  large: readonly (readonly [field: string, type: string])[]
  /** Fields with a column of their own. */
  declared: ReadonlySet<string>
  upsert: string
}

const plans = new WeakMap<AnyKind, Plan>()

function planOf(kind: AnyKind): Plan {
  const known = plans.get(kind)
  if (known !== undefined) return known
  const fields = Object.keys(kind.fields)
  const large = Object.entries(kind.large)
  const columns = ['id', 'revision', ...fields, 'body', ...large.map(([field]) => field)]
  const set = columns.slice(1).map(column => `"${column}" = excluded."${column}"`)
  const upsert = `INSERT INTO ${kind.name} (${listed(columns)}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (id) DO UPDATE SET ${set.join(', ')}`
  const plan = { fields, large, declared: new Set(['id', ...columns]), upsert }
  plans.set(kind, plan)
  return plan
}

function largeRead(kind: AnyKind, without: readonly PropertyKey[]) {
  return planOf(kind).large.filter(([field]) => !without.includes(field))
}

function columnsOf(kind: AnyKind, without: readonly PropertyKey[]): string {
  const read = largeRead(kind, without).map(([field]) => field)
  return listed(['id', 'revision', ...planOf(kind).fields, 'body', ...read])
}

/** Returns the SQL of `sum`. */
export function selectSums<R extends Identified>(kind: Kind<R>, query: SumQuery<R, keyof R & string>): Sql {
  const { text, values } = where(query as Conditions)
  const sums = (query.of ?? []).map(field => `, coalesce(sum("${field}"), 0) AS "${field}"`).join('')
  return {
    text: `SELECT "${query.by}" AS grouped, count(*) AS count${sums} FROM ${kind.name}${text} GROUP BY "${query.by}"`,
    values,
  }
}

type Read = Record<string, unknown> & Identified & { revision: string }

/** A row has the columns of `columnsOf`; what is null in it, the record does not have. */
function readRows(
  db: Database,
  kind: AnyKind,
  { text, values }: Sql,
  without: readonly PropertyKey[],
): Read[] {
  const { fields } = planOf(kind)
  const large = largeRead(kind, without)
  const body = fields.length + 2
  const rows = statement<unknown[]>(db, text)
    .raw()
    .all(...values)
  return rows.map(row => {
    const record = JSON.parse(String(row[body])) as Read
    Object.assign(record, { id: row[0], revision: row[1] })
    for (const [at, field] of fields.entries()) {
      if (row[at + 2] !== null) record[field] = row[at + 2]
    }
    for (const [at, [field, type]] of large.entries()) {
      const value = row[body + 1 + at]
      if (value !== null) record[field] = type === 'json' ? JSON.parse(String(value)) : value
    }
    return record
  })
}

function readSums(db: Database, { text, values }: Sql): ReadonlyMap<Value, Sums<string>> {
  const rows = statement<{ grouped: Value } & Sums<string>>(db, text).all(...values)
  return new Map(rows.map(({ grouped, ...sums }) => [grouped, sums as Sums<string>]))
}

/** Guards are checked before anything is written: a commit that is stale undoes nothing. */
function commit(db: Database, changes: readonly Change[], revision: string): 'applied' | 'stale' {
  if (!changes.every(change => !isGuarded(change) || holds(change, heldBy(db, change)))) return 'stale'
  for (const change of changes) {
    const { kind, id } = change
    if (change.op === 'remove') statement(db, `DELETE FROM ${kind.name} WHERE id = ?`).run(id)
    else if (change.op === 'put')
      statement(db, planOf(kind).upsert).run(...rowOf(kind, { ...change.record }, revision))
    else raise(db, change, revision)
  }
  return 'applied'
}

/** The fields that the guard of a change names. */
function heldBy(db: Database, change: Change): Readonly<Record<string, unknown>> | undefined {
  const guard = change.op === 'add' || typeof change.over === 'string' ? { revision: '' } : change.over
  const text = `SELECT ${listed(Object.keys(guard))} FROM ${change.kind.name} WHERE id = ?`
  return statement<Record<string, unknown>>(db, text).get(change.id)
}

/** The values of a row, in the order of the columns. */
function rowOf(kind: AnyKind, record: Identified & Record<string, unknown>, revision: string): unknown[] {
  const { fields, large, declared } = planOf(kind)
  const body: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(record)) if (!declared.has(field)) body[field] = value
  const largeValues = large.map(([field, type]) => {
    const value = record[field] ?? null
    return type === 'json' && value !== null ? JSON.stringify(value) : value
  })
  return [
    record.id,
    revision,
    ...fields.map(field => record[field] ?? null),
    JSON.stringify(body),
    ...largeValues,
  ]
}

function raise(db: Database, change: Change & { op: 'add' }, revision: string): void {
  const set = [
    ...Object.keys(change.by).map(field => `"${field}" = coalesce("${field}", 0) + ?`),
    ...Object.keys(change.raise).map(field => `"${field}" = max(coalesce("${field}", 0), ?)`),
  ]
  const text = `UPDATE ${change.kind.name} SET ${['revision = ?', ...set].join(', ')} WHERE id = ?`
  const values = [...Object.values(change.by), ...Object.values(change.raise)]
  statement(db, text).run(revision, ...values, change.id)
}

const prepared = new WeakMap<Database, Map<string, Statement>>()

/** The statement of a text, prepared once per database, when first used. */
function statement<Row>(db: Database, sql: string): Statement<unknown[], Row> {
  const known = prepared.get(db) ?? new Map<string, Statement>()
  prepared.set(db, known)
  const found = known.get(sql) ?? db.prepare(sql)
  known.set(sql, found)
  return found as Statement<unknown[], Row>
}
