import path from 'node:path'
import type { Command } from 'commander'
import { QuillworkError } from '../../index.ts'
import { isStoreAddress, sqliteFileOf } from '../../server/addresses.ts'
import type { ResolvedConfig } from '../../server/config.ts'
import { placesOf } from '../../server/data-directory.ts'
import type { Home, HomeOptions } from '../../server/home.ts'
import { type Moved, migrate, openHome } from '../../server/migrate.ts'
import { exitCodes } from '../exit-codes.ts'
import { printJson, type Register, type Run } from '../run.ts'
import { listenForSignals } from '../signals.ts'
import { tableLines } from '../text.ts'
import { countOf, numberText } from '../words.ts'

interface MigrateOptions {
  from?: string
  to?: string
}

/** `quillwork migrate --from … --to …`: everything into another store. */
export function addMigrate(program: Command, register: Register): void {
  program
    .command('migrate')
    .description(
      'Copy all tasks and novels into another, empty store and compare; no server runs on either meanwhile',
    )
    .option('--from <address>', 'sqlite:FILE or mongodb://…; default: the configured store')
    .option('--to <address>', 'sqlite:FILE or mongodb://…; default: the configured store')
    .action(register<MigrateOptions>(move))
}

async function move(run: Run<MigrateOptions>): Promise<number> {
  const { terminal, json } = run
  const resolved = run.configure()
  const ends = endsOf(run.options, resolved)
  using signals = listenForSignals()
  const from = await openHome(ends.from)
  try {
    const to = await openHome(ends.to)
    try {
      const moved = await migrate({
        from,
        to,
        signal: signals.asked,
        onProgress: copied =>
          terminal.live([[...copied].map(([kind, { count }]) => `${numberText(count)} ${kind}`).join(', ')]),
      })
      terminal.live([])
      if (json) printJson(run, { from: from.shown, to: to.shown, ...moved })
      else for (const line of lines(from, to, moved)) terminal.out(line)
      return moved.missingFiles === 0 ? exitCodes.ok : exitCodes.failed
    } finally {
      await to.close()
    }
  } catch (error) {
    if (!signals.asked.aborted) throw error
    terminal.note('Cut off: the new store cannot be used; run the same command again.')
    return signals.exitCode
  } finally {
    await from.close()
  }
}

/** The two ends. The address that is not given is the configured store's. */
function endsOf(options: MigrateOptions, resolved: ResolvedConfig): Record<'from' | 'to', HomeOptions> {
  const { config } = resolved
  const configured = config.store ?? `sqlite:${placesOf(config.data).database}`
  const from = absolute(options.from, '--from') ?? configured
  const to = absolute(options.to, '--to') ?? configured
  if (from === to)
    throw new QuillworkError(
      'USAGE_INVALID',
      'Give --from or --to: one of them is the configured store, the other one is not.',
    )
  const owner = ownerOfData([from, to], configured, resolved)
  const end = (address: string, isTarget: boolean) => ({
    address,
    isTarget,
    uploads: placesOf(address === owner ? config.data : path.dirname(sqliteFileOf(address) ?? '')).uploads,
    database: address === config.store ? config.database : undefined,
  })
  return { from: end(from, false), to: end(to, true) }
}

/**
 * The end whose uploaded files are in the data directory, as for a server on it: the configured file; where neither is, the file for
 * which --data was given. Beside any other file are its own.
 */
function ownerOfData(
  ends: readonly string[],
  configured: string,
  { origins }: ResolvedConfig,
): string | undefined {
  if (sqliteFileOf(configured) !== undefined && ends.includes(configured)) return configured
  return origins.data === 'command line' ? ends.find(each => sqliteFileOf(each) !== undefined) : undefined
}

function absolute(address: string | undefined, option: string): string | undefined {
  if (address === undefined) return undefined
  if (!isStoreAddress(address))
    throw new QuillworkError('USAGE_INVALID', `${option}: give sqlite:FILE or mongodb://….`)
  const file = sqliteFileOf(address)
  return file === undefined ? address : `sqlite:${path.resolve(file)}`
}

function lines(from: Home, to: Home, { kinds, missingFiles }: Moved): string[] {
  const table = tableLines(
    kinds,
    [
      { title: 'KIND', text: ({ kind }) => kind },
      { title: 'COPIED', text: ({ copied }) => numberText(copied), right: true },
      { title: 'FOUND', text: ({ found }) => numberText(found), right: true },
    ],
    undefined,
  )
  if (missingFiles > 0) return [...table, '', ...missingLines(from, to, missingFiles)]
  return [
    ...table,
    '',
    `${to.shown} holds everything that ${from.shown} holds. Start servers on it, and none on the old one:`,
    'each would run the tasks that wait there.',
  ]
}

function missingLines(from: Home, to: Home, missingFiles: number): string[] {
  return [
    `Without its file: ${countOf(missingFiles, 'upload')}, which ${from.uploadsShown} does not have. The rest is in ${to.shown}.`,
    `Where the files are elsewhere, delete ${to.shown} and run this again, with --data for the data directory that has them.`,
    'Where they are lost, the new store can be used as it is; imports that still need one fail until it is uploaded again.',
  ]
}
