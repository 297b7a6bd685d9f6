import path from 'node:path'
import type { Command } from 'commander'
import { QuillworkError } from '../../index.ts'
import { isStoreAddress, sqliteFileOf } from '../../server/addresses.ts'
import type { ResolvedConfig } from '../../server/config.ts'
import { placesOf } from '../../server/data-directory.ts'
import type { Home } from '../../server/home.ts'
import { type MovedKind, migrate, openHome } from '../../server/migrate.ts'
import { exitCodes } from '../exit-codes.ts'
import { printJson, type Register, type Run } from '../run.ts'
import { listenForSignals } from '../signals.ts'
import { tableLines } from '../table.ts'
import { numberText } from '../words.ts'

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
  const [fromAddress, toAddress] = addressesFor(run.options, resolved)
  using signals = listenForSignals()
  const from = await open(fromAddress, resolved, false)
  try {
    const to = await open(toAddress, resolved, true)
    try {
      const moved = await migrate({
        from,
        to,
        signal: signals.asked,
        onProgress: copied =>
          terminal.live([[...copied].map(([kind, { count }]) => `${numberText(count)} ${kind}`).join(', ')]),
      })
      terminal.live([])
      if (json) printJson(run, { from: from.shown, to: to.shown, kinds: moved })
      else for (const line of lines(from, to, moved)) terminal.out(line)
      return exitCodes.ok
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

/** The address that is not given is the configured store's. */
function addressesFor({ from, to }: MigrateOptions, { config }: ResolvedConfig): [from: string, to: string] {
  const configured = config.store ?? `sqlite:${placesOf(config.data).database}`
  const [source, target] = [absolute(from, '--from') ?? configured, absolute(to, '--to') ?? configured]
  if (source !== target) return [source, target]
  throw new QuillworkError(
    'USAGE_INVALID',
    'Give --from or --to: one of them is the configured store, the other one is not.',
  )
}

function absolute(address: string | undefined, option: string): string | undefined {
  if (address === undefined) return undefined
  if (!isStoreAddress(address))
    throw new QuillworkError('USAGE_INVALID', `${option}: give sqlite:FILE or mongodb://….`)
  const file = sqliteFileOf(address)
  return file === undefined ? address : `sqlite:${path.resolve(file)}`
}

function open(address: string, { config, origins }: ResolvedConfig, isTarget: boolean): Promise<Home> {
  const file = sqliteFileOf(address)
  const isElsewhere = file !== undefined && origins.data === 'default'
  const uploads = placesOf(isElsewhere ? path.dirname(file) : config.data).uploads
  const database = address === config.store ? config.database : undefined
  return openHome({ address, isTarget, uploads, database })
}

function lines(from: Home, to: Home, moved: readonly MovedKind[]): string[] {
  const table = tableLines(
    moved,
    [
      { title: 'KIND', text: ({ kind }) => kind },
      { title: 'COPIED', text: ({ copied }) => numberText(copied), right: true },
      { title: 'FOUND', text: ({ found }) => numberText(found), right: true },
    ],
    undefined,
  )
  return [
    ...table,
    '',
    `${to.shown} holds everything that ${from.shown} holds. Start servers on it, and none on the old one:`,
    'each would run the tasks that wait there.',
  ]
}
