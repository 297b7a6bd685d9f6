import { realpathSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { shownAddress } from '../../server/addresses.ts'
import { type ResolvedConfig, trustPlace } from '../../server/config.ts'
import { placesOf } from '../../server/data-directory.ts'
import { defaultData, type Setting, type SettingName, settings } from '../../server/settings.ts'
import { endTrust, isTrusted, type NeededTrust, trustedFiles, trustFile } from '../../server/trust.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { print, type Register, type Run } from '../run.ts'
import { tableLines } from '../text.ts'
import { agoText } from '../words.ts'

interface TrustOptions {
  yes?: boolean
  list?: boolean
  remove?: true | string
}

/** Adds `quillwork trust`. It needs no server. */
export function addTrust(program: Command, register: Register): void {
  program
    .command('trust')
    .description(
      'Let the quillwork.json that was found in the working directory set addresses, models, prompts, and who may come in; shows what it sets, and asks',
    )
    .option('--yes', 'trust it without asking')
    .option('--list', 'only list the files that you trust')
    .option('--remove [file]', 'end the trust in a file; default: the one that is found here')
    .action(register(trust))
}

async function trust(run: Run<TrustOptions>): Promise<number> {
  const { options, json, terminal } = run
  if (options.list === true) return listFiles(run)
  if (options.remove !== undefined) return remove(run, options.remove)
  const resolved = run.configure({ countsUntrusted: true })
  const needed = resolved.needsTrust
  if (needed === undefined) {
    print(run, { file: resolved.file ?? null, settings: {}, trusted: true }, () => [nothingToTrust(resolved)])
    return exitCodes.ok
  }
  if (!json) for (const line of settingLines(needed)) terminal.out(line)
  const place = trustPlace()
  const wasTrusted = isTrusted(place, needed)
  const trusted = wasTrusted || (await agrees(run, needed))
  if (trusted && !wasTrusted) trustFile(place, needed)
  print(run, { file: needed.file, settings: shownSettings(needed), trusted }, () => [
    trusted
      ? 'You trust this file as it is. When it changes what is listed here, you are asked again.'
      : 'Nothing was trusted.',
  ])
  return trusted ? exitCodes.ok : exitCodes.failed
}

async function agrees(
  { options, json, terminal }: Run<TrustOptions>,
  { file }: NeededTrust,
): Promise<boolean> {
  if (options.yes === true || json) return options.yes === true
  if (!terminal.canAsk)
    throw usageError('Nothing was trusted, because nobody can be asked here. If it is yours, pass --yes.')
  return terminal.confirm(`Did you write this, or do you know who did? Trust ${file}?`)
}

function nothingToTrust({ config, file }: ResolvedConfig): string {
  if (file === undefined) return `There is no ${placesOf(config.data).configuration}: nothing needs trust.`
  return `${file} counts as it is: it was named, or sets nothing that needs trust.`
}

/** Returns what a file sets, as it is there: of a secret only that it is set, of an address neither user nor password. */
function shownSettings({ values }: NeededTrust): Record<string, unknown> {
  const shown = Object.entries(values).map(([name, value]) => {
    const setting: Setting = settings[name as SettingName]
    if (setting.isSecret === true) return [name, '(set, not shown)']
    return [name, setting.isAddress === true ? shownAddress(String(value)) : value]
  })
  return Object.fromEntries(shown)
}

function settingLines(needed: NeededTrust): string[] {
  const rows = Object.entries(shownSettings(needed)).flatMap(([name, value]) =>
    name === 'models'
      ? Object.entries(value as object).map(([id, model]) => [`models.${id}`, model])
      : [[name, value]],
  )
  const lines = rows.map(
    ([name, value]) =>
      `  ${String(name).padEnd(15)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return [`${needed.file} sets:`, ...lines]
}

function listFiles(run: Run): number {
  const items = trustedFiles(trustPlace())
  const table = () =>
    tableLines(items, [
      { title: 'FILE', text: ({ file }) => file },
      { title: 'TRUSTED', text: ({ trustedAt }) => agoText(trustedAt) },
      { title: 'SETTINGS', text: each => each.settings.join(', ') },
    ])
  print(run, { items }, () => (items.length === 0 ? ['You trust no file.'] : table()))
  return exitCodes.ok
}

function remove(run: Run, named: true | string): number {
  const file = realPathOf(named === true ? placesOf(defaultData).configuration : named)
  const removed = endTrust(trustPlace(), file)
  print(run, { file, removed }, () => [
    removed
      ? `You do not trust ${file} any more.`
      : `You did not trust ${file}. quillwork trust --list names those that you trust.`,
  ])
  return removed ? exitCodes.ok : exitCodes.failed
}

/** Returns the path under which a file is trusted; that of one which is gone is as it was listed. */
function realPathOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return path.resolve(file)
  }
}
