import type { Command } from 'commander'
import { QuillworkError } from '../index.ts'
import type { Query } from './client.ts'
import type { Terminal } from './terminal.ts'

/** Options of a listing. */
export interface PagingOptions {
  limit?: string
  page?: string
}

/** Adds the options of a listing to a command. */
export function addPaging(command: Command): Command {
  return command
    .option('--limit <n>', 'at most so many, up to 200; default 50')
    .option('--page <token>', 'go on after a page: its nextPageToken')
}

/** The options as a query. Throws USAGE_INVALID. */
export function pagingQuery({ limit, page }: PagingOptions): Query {
  return { pageSize: parseLimit(limit), pageToken: page }
}

/** The number that `--limit` gives. Throws USAGE_INVALID. */
export function parseLimit(limit: string | undefined): number | undefined {
  if (limit === undefined || /^[1-9]\d{0,5}$/.test(limit))
    return limit === undefined ? undefined : Number(limit)
  throw new QuillworkError('USAGE_INVALID', `--limit ${limit}: give a whole number of at least 1.`)
}

/** Says that there is more. */
export function sayNextPage(terminal: Terminal, nextPageToken: string | undefined): void {
  if (nextPageToken !== undefined) terminal.note(`There are more: --page ${nextPageToken}`)
}
