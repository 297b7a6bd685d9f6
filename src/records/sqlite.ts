/** Records in the database file of the tasks: a table a kind, its writes in the group commit of the file. */

import type { SharedDatabase, Statements } from '../store/sqlite/database.ts'
import type { Database, Statement } from '../store/sqlite/driver.ts'
import {
  type AnyKind,
  type AnyQuery,
  type Change,
  type Each,
  holds,
  type Identified,
  isGuarded,
  type Kind,
  nextRevision,
  type OfOne,
  type Records,
  requireAllFit,
  type SumQuery,
  type Sums,
  type Value,
} from './records.ts'

/** The records of a file; a migration made their tables (see `tablesOf`). */
export function sqliteRecords(database: SharedDatabase): Records {
  let prepared: Statements | undefined
  const statements = (db: Database) => {
    prepared ??= statementsOf(db)
    return prepared
  }
  const find = (kind: AnyKind, query: AnyQuery, without: readonly PropertyKey[]) =>
    database.read(db => readRows(statements(db), kind, select(kind, query, without), without))
  return {
    async get(kind, ids, without = []) {
      const equal = { id: ids.length === 1 ? ids[0] : ids }
      const found = await find(kind, { equal } as AnyQuery, without)
      return new Map(found.map(record => [record.id, record])) as never
    },
    find: (kind, query, without = []) => find(kind, query as AnyQuery, without) as never,
    sum: (kind, query) => database.read(db => readSums(statements(db), selectSums(kind, query)) as never),
    async commit(changes) {
      requireAllFit(changes)
      const revision = nextRevision()
      return database.write(db => commit(statements(db), changes, revision))
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
    ...Object.entries(fields).map(([field, type]) => `"${field}" ${type.toUpperCase()}`),
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

function where({ equal = {}, above = {}, most = {}, order = [], reverse, after }: AnyQuery): Sql {
  const conditions: string[] = []
  const values: Value[] = []
  const add = (condition: string, ...bound: readonly unknown[]) => {
    conditions.push(condition)
    values.push(...(bound as Value[]))
  }
  for (const [field, value] of Object.entries(equal)) {
    if (typeof value === 'object')
      add(`"${field}" IN (SELECT value FROM json_each(?))`, JSON.stringify(value))
    else add(`"${field}" = ?`, value)
  }
  for (const [field, value] of Object.entries(above)) add(`"${field}" > ?`, value)
  for (const [field, value] of Object.entries(most)) add(`"${field}" <= ?`, value)
  const places = order.map(() => '?').join(', ')
  if (after !== undefined) add(`(${listed(order)}) ${reverse === true ? '<' : '>'} (${places})`, ...after)
  return { text: conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`, values }
}

/** Returns the SQL of `find`. */
export function select(kind: AnyKind, query: AnyQuery, without: readonly PropertyKey[] = []): Sql {
  const { order = [], reverse = false, limit } = query
  const { text, values } = where(query)
  const sorted = order.map(field => `"${field}"${reverse ? ' DESC' : ''}`).join(', ')
  const rest = `${sorted && ` ORDER BY ${sorted}`}${limit === undefined ? '' : ' LIMIT ?'}`
  return {
    text: `SELECT ${columnsOf(kind, without)} FROM ${kind.name}${text}${rest}`,
    values: limit === undefined ? values : [...values, limit],
  }
}

/** What is known of a kind once: the order of its columns, and the statement that writes a row. */
interface Plan {
  fields: readonly string[]
  large: readonly (readonly [field: string, type: string])[]
  /** Fields with a column of their own. */
  declared: ReadonlySet<string>
  upsert: string
  /** The columns that are read, by the fields that are left out. */
  readonly columns: Map<string, string>
}

const plans = new WeakMap<AnyKind, Plan>()

function planOf(kind: AnyKind): Plan {
  const known = plans.get(kind)
  if (known !== undefined) return known
  const fields = Object.keys(kind.fields)
  const columns = ['id', 'revision', ...fields, 'body', ...Object.keys(kind.large)]
  const set = columns.slice(1).map(column => `"${column}" = excluded."${column}"`)
  const upsert = `INSERT INTO ${kind.name} (${listed(columns)}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (id) DO UPDATE SET ${set.join(', ')}`
  const declared = new Set(columns)
  const plan = { fields, large: Object.entries(kind.large), declared, upsert, columns: new Map() }
  plans.set(kind, plan)
  return plan
}

function largeRead(kind: AnyKind, without: readonly PropertyKey[]) {
  const { large } = planOf(kind)
  return without.length === 0 ? large : large.filter(([field]) => !without.includes(field))
}

function columnsOf(kind: AnyKind, without: readonly PropertyKey[]): string {
  const { columns, fields } = planOf(kind)
  const key = without.join()
  const known = columns.get(key)
  if (known !== undefined) return known
  const read = largeRead(kind, without).map(([field]) => field)
  const made = listed(['id', 'revision', ...fields, 'body', ...read])
  columns.set(key, made)
  return made
}

/** Returns the SQL of `sum`. */
export function selectSums<R extends Identified>(kind: Kind<R>, query: SumQuery<R, keyof R & string>): Sql {
  const { text, values } = where(query as AnyQuery)
  const sums = (query.of ?? []).map(field => `, coalesce(sum("${field}"), 0) AS "${field}"`).join('')
  return {
    text: `SELECT "${query.by}" AS grouped, count(*) AS count${sums} FROM ${kind.name}${text} GROUP BY "${query.by}"`,
    values,
  }
}

type Read = Record<string, unknown> & { id: string; revision: string }

/** A row has the columns of `columnsOf`; what is null in it, the record does not have. */
function readRows(
  sql: Statements,
  kind: AnyKind,
  { text, values }: Sql,
  without: readonly PropertyKey[],
): Read[] {
  const { fields } = planOf(kind)
  const large = largeRead(kind, without)
  const rows = sql(text)
    .raw()
    .all(...values) as unknown[][]
  return rows.map(row => {
    const body = fields.length + 2
    const record = JSON.parse(String(row[body])) as Read
    record.id = String(row[0])
    record.revision = String(row[1])
    for (const [at, field] of fields.entries()) if (row[at + 2] !== null) record[field] = row[at + 2]
    for (const [at, [field, type]] of large.entries()) {
      const value = row[body + 1 + at]
      if (value !== null) record[field] = type === 'json' ? JSON.parse(String(value)) : value
    }
    return record
  })
}

function readSums(sql: Statements, { text, values }: Sql): ReadonlyMap<Value, Sums<string>> {
  const rows = sql(text).all(...values) as ({ grouped: Value } & Sums<string>)[]
  return new Map(rows.map(({ grouped, ...sums }) => [grouped, sums as Sums<string>]))
}

/** Guards are checked before anything is written: a commit that is stale undoes nothing. */
function commit(sql: Statements, changes: readonly Change[], revision: string): 'applied' | 'stale' {
  if (!changes.every(change => !isGuarded(change) || holds(change, heldBy(sql, change)))) return 'stale'
  for (const change of changes) {
    if (change.op === 'each') {
      changeEach(sql, change, revision)
      continue
    }
    const { kind, id } = change
    if (change.op === 'remove') sql(`DELETE FROM ${kind.name} WHERE id = ?`).run(id)
    else if (change.op === 'put')
      sql(planOf(kind).upsert).run(...rowOf(kind, { ...change.record, revision, id }))
    else raise(sql, change, revision)
  }
  return 'applied'
}

/** The fields that the guard of a change names. */
function heldBy(sql: Statements, change: OfOne): Readonly<Record<string, unknown>> | undefined {
  const guard = change.op === 'add' || typeof change.over === 'string' ? { revision: '' } : change.over
  const text = `SELECT ${listed(Object.keys(guard))} FROM ${change.kind.name} WHERE id = ?`
  return sql(text).get(change.id) as Readonly<Record<string, unknown>> | undefined
}

/** The values of a row, in the order of the columns. */
function rowOf(kind: AnyKind, record: Read): unknown[] {
  const { fields, large, declared } = planOf(kind)
  const body: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(record)) if (!declared.has(field)) body[field] = value
  const largeValues = large.map(([field, type]) => {
    const value = record[field] ?? null
    return type === 'json' && value !== null ? JSON.stringify(value) : value
  })
  const fieldValues = fields.map(field => record[field] ?? null)
  return [record.id, record.revision, ...fieldValues, JSON.stringify(body), ...largeValues]
}

function raise(sql: Statements, { kind, id, by, raise: to }: Change & { op: 'add' }, revision: string): void {
  const set = [
    'revision = ?',
    ...Object.keys(by).map(field => `"${field}" = coalesce("${field}", 0) + ?`),
    ...Object.keys(to).map(field => `"${field}" = max(coalesce("${field}", 0), ?)`),
  ]
  const values = [revision, ...Object.values(by), ...Object.values(to), id]
  sql(`UPDATE ${kind.name} SET ${set.join(', ')} WHERE id = ?`).run(...values)
}

function changeEach(sql: Statements, { kind, of, by, set: to }: Each, revision: string): void {
  const { text, values } = where(of)
  const set = [
    'revision = ?',
    ...Object.keys(by).map(field => `"${field}" = coalesce("${field}", 0) + ?`),
    ...Object.keys(to).map(field => `"${field}" = ?`),
  ]
  const given = [revision, ...Object.values(by), ...Object.values(to)]
  sql(`UPDATE ${kind.name} SET ${set.join(', ')}${text}`).run(...given, ...values)
}

/** Prepared statements of a generation: about as many as a process uses again and again. */
const perGeneration = 128

/**
 * Returns the prepared statements of one database. Listings have a text for each combination of filters, so those that were not used for
 * long go: of two generations that are kept, a statement that is used belongs to the younger one, and the older one goes when that is full.
 */
export function statementsOf(db: Database): Statements {
  let young = new Map<string, Statement>()
  let old = new Map<string, Statement>()
  return sql => {
    const known = young.get(sql)
    if (known !== undefined) return known
    const statement = old.get(sql) ?? db.prepare(sql)
    if (young.size >= perGeneration) [old, young] = [young, new Map()]
    young.set(sql, statement)
    return statement
  }
}
