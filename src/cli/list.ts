/** Commands that list one page of something. */
import type { Command } from 'commander'
import { type ErrorCode, QuillworkError } from '../index.ts'
import { everyItem, type Page } from '../task/page.ts'
import type { Client, Query } from './client.ts'
import { usageError } from './exit-codes.ts'
import { type Handler, print, type Run, withServer } from './run.ts'
import { type Column, tableLines } from './text.ts'

/** Options of a command that lists. */
export interface PagingOptions {
  limit?: string
  page?: string
}

/** Takes one value of an option at a time: an option that took several would take the arguments that follow it. */
export function andAgain(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/** Adds `--limit` and `--page` to a command. */
export function addPaging(command: Command): Command {
  return command
    .option('--limit <n>', 'number of entries, at most 200; default 50')
    .option('--page <token>', 'the page after another one: the nextPageToken of that page')
}

/** Returns the options as a query. Throws USAGE_INVALID. */
export function pagingQuery({ limit, page }: PagingOptions): Query {
  return { pageSize: parseLimit(limit), pageToken: page }
}

/** Returns the number that `--limit`, or another option, gives. Throws USAGE_INVALID. */
export function parseLimit(limit: string | undefined, option = '--limit'): number | undefined {
  if (limit === undefined) return undefined
  if (/^[1-9]\d{0,5}$/.test(limit)) return Number(limit)
  throw usageError(`${option} ${limit}: give a whole number of at least 1.`)
}

/** What a command lists, and how. */
interface Listing<Item, Options> {
  /** Path of the listing in the API. */
  readonly path: string
  readonly columns: readonly Column<Item>[]
  /** Printed where there is nothing; default the titles of the columns. */
  readonly empty?: (run: Run<Options>) => string
  /** The filters of the options. */
  readonly query?: (options: Options, client: Client) => Query | Promise<Query>
}

/** Returns the handler of a command that lists a page of a path of the API. */
export function listCommand<Item, Options extends PagingOptions = PagingOptions>(
  listing: Listing<Item, Options>,
): Handler<Options> {
  const { path, columns, empty, query } = listing
  return run => {
    const paging = pagingQuery(run.options)
    return withServer(run, async ({ client }) => {
      const asked = { ...(await query?.(run.options, client)), ...paging }
      const page = await client.get<Page<Item>>(path, asked)
      const said = page.items.length === 0 ? empty?.(run) : undefined
      printPage(run, page, widest => (said === undefined ? tableLines(page.items, columns, widest) : [said]))
    })
  }
}

/** Yields every item of a listing of the API, page by page. */
export function everyEntry<Item>(client: Client, path: string, query: Query = {}): AsyncIterable<Item> {
  return everyItem<Item>(largestPage, page => client.get<Page<Item>>(path, { ...query, ...page }))
}

/**
 * Returns what has that id, else that name, else that name in any case; undefined for none.
 *
 * @param named `code`: thrown where several have the name. `what` they are: `threads`.
 */
export async function findNamed<Item extends { id: string }>(
  client: Client,
  { path, given }: { path: string; given: string },
  { nameOf, code, what }: { nameOf: (item: Item) => string; code: ErrorCode; what: string },
): Promise<Item | undefined> {
  const called: Item[] = []
  for await (const item of everyEntry<Item>(client, path)) {
    if (item.id === given) return item
    if (nameOf(item).toLowerCase() === given.toLowerCase()) called.push(item)
  }
  const exact = called.filter(item => nameOf(item) === given)
  const found = exact.length > 0 ? exact : called
  if (found.length <= 1) return found[0]
  const ids = found.map(({ id }) => id).join(', ')
  const which = `${found.length} ${what} of the name ${JSON.stringify(given)}`
  throw new QuillworkError(code, `The novel has ${which}. Give the id of one: ${ids}.`)
}

/** Most entries of a page. */
const largestPage = 200

/** Prints a page, and for people how to see the next one. */
export function printPage<Item>(
  run: Run,
  page: Page<Item>,
  lines: (widest: number | undefined) => readonly string[],
): void {
  print(run, page, lines)
  if (!run.json && page.nextPageToken !== undefined)
    run.terminal.note(`There are more: --page ${page.nextPageToken}`)
}
