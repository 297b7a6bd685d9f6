import path from 'node:path'
import type { Command } from 'commander'
import { isStoreAddress, sqliteFileOf } from '../../server/addresses.ts'
import type { ResolvedConfig } from '../../server/config.ts'
import { placesOf } from '../../server/data-directory.ts'
import type { Home, HomeOptions } from '../../server/home.ts'
import type { Moved } from '../../server/migrate.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { noteClosed, print, type Register, type Run } from '../run.ts'
import { listenForSignals } from '../signals.ts'
import { tableLines } from '../text.ts'
import { countOf, numberText } from '../words.ts'

interface MigrateOptions {
  from?: string
  to?: string
}

/** Adds `quillwork migrate --from … --to …`, which copies everything into another store. */
export function addMigrate(program: Command, register: Register): void {
  program
    .command('migrate')
    .description(
      'Copy all tasks and novels into another, empty store, and compare both. Stop all servers on both stores first',
    )
    .option('--from <address>', 'sqlite:FILE or mongodb://…; default: the configured store')
    .option('--to <address>', 'sqlite:FILE or mongodb://…; default: the configured store')
    .action(register(move))
}

async function move(run: Run<MigrateOptions>): Promise<number> {
  const { terminal } = run
  const resolved = run.configure({ uses: 'all' })
  const ends = endsOf(run.options, resolved)
  using signals = listenForSignals()
  const { migrate, openHome } = await stores()
  const from = await openHome(ends.from)
  try {
    noteClosed(run, from.closed)
    const to = await openHome(ends.to)
    try {
      noteClosed(run, to.closed)
      const moved = await migrate({
        from,
        to,
        signal: signals.asked,
        onProgress: copied =>
          terminal.live([[...copied].map(([kind, { count }]) => `${numberText(count)} ${kind}`).join(', ')]),
      })
      terminal.live([])
      print(run, { from: from.shown, to: to.shown, ...moved }, () => lines(from, to, moved))
      return moved.missingFiles === 0 ? exitCodes.ok : exitCodes.failed
    } finally {
      await to.close()
    }
  } catch (error) {
    if (!signals.asked.aborted) throw error
    terminal.note('Interrupted: the new store cannot be used. Run the same command again.')
    return signals.exitCode
  } finally {
    await from.close()
  }
}

/**
 * Loads both stores and the library, for this command alone: every other one would start half as fast. It is a function of its own, for the
 * compiler does not rewrite the name of a file that is imported beside a `using`.
 */
function stores() {
  return import('../../server/migrate.ts')
}

/** Returns how both stores are opened. An address that is not given is the configured store. */
function endsOf(options: MigrateOptions, resolved: ResolvedConfig): Record<'from' | 'to', HomeOptions> {
  const { config } = resolved
  const configured = config.store ?? `sqlite:${placesOf(config.data).database}`
  const from = absolute(options.from, '--from') ?? configured
  const to = absolute(options.to, '--to') ?? configured
  if (from === to) throw usageError('Give --from or --to, with a store other than the configured one.')
  const owner = ownerOfData([from, to], configured, resolved)
  const end = (address: string, isTarget: boolean) => ({
    address,
    isTarget,
    uploads: placesOf(address === owner ? config.data : path.dirname(sqliteFileOf(address) ?? '')).uploads,
    database: address === config.store ? config.database : undefined,
    allowOpenData: config.allowOpenData,
  })
  return { from: end(from, false), to: end(to, true) }
}

/**
 * Returns the store whose uploaded files are in the data directory: the configured file; where neither is that, the file for which --data
 * was given. The uploaded files of any other file are beside it.
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
  if (!isStoreAddress(address)) throw usageError(`${option} takes sqlite:FILE or mongodb://….`)
  const file = sqliteFileOf(address)
  return file === undefined ? address : `sqlite:${path.resolve(file)}`
}

function lines(from: Home, to: Home, { kinds, missingFiles }: Moved): string[] {
  const table = tableLines(kinds, [
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'COPIED', text: ({ copied }) => numberText(copied), right: true },
    { title: 'FOUND', text: ({ found }) => numberText(found), right: true },
  ])
  if (missingFiles > 0) return [...table, '', ...missingLines(from, to, missingFiles)]
  return [
    ...table,
    '',
    `${to.shown} holds everything that ${from.shown} holds. Start servers on the new store only:`,
    'a server on the old one would run the same tasks again.',
  ]
}

function missingLines(from: Home, to: Home, missingFiles: number): string[] {
  return [
    `Without its file: ${countOf(missingFiles, 'upload')}. ${from.uploadsShown} does not have it. All else is in ${to.shown}.`,
    `If the files are in another data directory, delete ${to.shown} and run this again with --data for that directory.`,
    'If they are lost, use the new store as it is. Imports that still need one fail until it is uploaded again.',
  ]
}
