/**
 * Trust in configuration files that were found in the working directory. A file that somebody else packed can lie there too, so it sets
 * where data and keys go, who may come in and what is deleted only once the user said so. That is kept in the state folder of the user, which no folder
 * brings along, under the real path of the file and a digest of these settings: a file that changes them is asked about again.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { QuillworkError } from '../index.ts'
import { closeToOthers } from './close-to-others.ts'
import { writePrivately } from './data-directory.ts'
import { invalid, type SettingName, settingNames } from './settings.ts'

/** The settings that count from any file: they say how much is done at the same time, for how long, and what is logged. */
export const harmlessSettings: readonly SettingName[] = [
  ...(['brokerDelay', 'roles', 'port', 'healthPort', 'streams', 'streamsPerClient', 'uploadLimit'] as const),
  ...([
    'requestsPerMinute',
    'lanes',
    'limits',
    'admission',
    'sweepInterval',
    'grace',
    'abortGrace',
    'cleanup',
  ] as const),
  ...(['logLevel', 'logFormat'] as const),
]

/** What a file sets that needs trust. */
export interface NeededTrust {
  /** Its real path. */
  readonly file: string
  /** As they are in the file, in the order of the reference. */
  readonly values: Readonly<Partial<Record<SettingName, unknown>>>
}

const schema = z.record(
  z.string(),
  z.object({ digest: z.string(), settings: z.array(z.string()), trustedAt: z.iso.datetime() }),
)
type TrustedFiles = z.output<typeof schema>

/** A file that the user trusts. */
export interface TrustedFile {
  readonly file: string
  readonly settings: readonly string[]
  /** RFC 3339. */
  readonly trustedAt: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Returns where the user's trust is kept, by the usual places for the state of programs on each system. */
export function trustPlaceOf(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const home = () => (platform === 'win32' ? env['USERPROFILE'] : env['HOME']) || homedir()
  const absolute = (place: string | undefined) =>
    place !== undefined && path.isAbsolute(place) ? place : undefined
  if (platform === 'win32')
    return path.join(
      absolute(env['LOCALAPPDATA']) ?? path.join(home(), 'AppData', 'Local'),
      'Quillwork',
      'trust.json',
    )
  if (platform === 'darwin')
    return path.join(home(), 'Library', 'Application Support', 'Quillwork', 'trust.json')
  // https://specifications.freedesktop.org/basedir-spec: a relative path is ignored.
  const state = absolute(env['XDG_STATE_HOME']) ?? path.join(home(), '.local', 'state')
  return path.join(state, 'quillwork', 'trust.json')
}

/** Returns what the values of a file need trust for, undefined for nothing. */
export function neededTrust(
  file: string,
  values: Readonly<Record<string, unknown>>,
): NeededTrust | undefined {
  const names = settingNames.filter(name => values[name] !== undefined && !harmlessSettings.includes(name))
  if (names.length === 0) return undefined
  return { file: realpathSync(file), values: Object.fromEntries(names.map(name => [name, values[name]])) }
}

/** Throws CONFIG_INVALID where any of these values would count and the user does not trust the file as it is. `origins` tells where all values come from. */
export function requireTrust(
  place: string,
  needed: NeededTrust,
  {
    origins,
    program = 'quillwork',
  }: { origins: Readonly<Record<SettingName, string>>; program?: string | undefined },
): void {
  const settings = settingNames.filter(name => name in needed.values && origins[name] === 'file')
  if (settings.length === 0 || isTrusted(place, needed)) return
  const { file } = needed
  const before = read(place)[file] === undefined ? '' : ' It has changed them since you trusted it.'
  const which = settings.length === 1 ? 'That counts' : 'These count'
  throw new QuillworkError(
    'CONFIG_INVALID',
    `${file} was found here, not named, and sets ${settings.join(', ')}. ${which} only once you trust the file, because anybody can have packed it.${before} ` +
      `To see what it sets, and to trust it: ${program} trust`,
    { details: { file, settings } },
  )
}

/** Returns whether the user trusts a file with these values. */
export function isTrusted(place: string, needed: NeededTrust): boolean {
  return read(place)[needed.file]?.digest === digestOf(needed)
}

/** Trusts a file with these values. */
export function trustFile(place: string, needed: NeededTrust): void {
  const entry = {
    digest: digestOf(needed),
    settings: Object.keys(needed.values),
    trustedAt: new Date().toISOString(),
  }
  write(place, { ...read(place), [needed.file]: entry })
}

/** Ends the trust in a file. Returns false where there is none. */
export function endTrust(place: string, file: string): boolean {
  const files = read(place)
  if (!Object.hasOwn(files, file)) return false
  const { [file]: _ended, ...others } = files
  write(place, others)
  return true
}

/** Returns the files that the user trusts. */
export function trustedFiles(place: string): readonly TrustedFile[] {
  return Object.entries(read(place)).map(([file, { settings, trustedAt }]) => ({ file, settings, trustedAt }))
}

function digestOf({ values }: NeededTrust): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('hex')
}

function read(place: string): TrustedFiles {
  closeToOthers({ configuration: place, allowOpenData: false })
  let text: string
  try {
    text = readFileSync(place, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw invalid(`${place} cannot be read: ${error instanceof Error ? error.message : String(error)}`, error)
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw invalid(`${place} is not what Quillwork keeps there. Remove it, and trust your files again.`, cause)
  }
}

function write(place: string, files: TrustedFiles): void {
  try {
    mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 })
    writePrivately(place, files)
  } catch (cause) {
    throw invalid(
      `${place} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
}
