/** The configuration: the only reader of the environment and of `quillwork.json`. */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { QuillworkError } from '../index.ts'
import { defined } from '../task/defined.ts'
import { plainWarnings, shownAddress, withAbsoluteFile } from './addresses.ts'
import { closeToOthers, refuseChangeable } from './close-to-others.ts'
import { compositionOf, refuseCombinations } from './combinations.ts'
import { placesOf } from './data-directory.ts'
import { keyVariablePrefix, shortKeyVariable } from './key-source.ts'
import { EnvironmentKeys, modelsOfShort } from './models-setting.ts'
import { nearestName } from './setting-values.ts'
import {
  type Config,
  defaultData,
  fileVariableOf,
  invalid,
  renamedSettings,
  type Setting,
  type SettingName,
  settingNames,
  settings,
  variableOf,
} from './settings.ts'
import { type NeededTrust, neededTrust, requireTrust, trustPlaceOf } from './trust.ts'

/** Where a value comes from. */
export type Origin = 'default' | 'file' | 'environment' | 'command line'

/** A configuration, with what `doctor` shows of it. */
export interface ResolvedConfig {
  readonly config: Config
  readonly origins: Readonly<Record<SettingName, Origin>>
  /** The file that was read, if any. */
  readonly file: string | undefined
  /** Whether the caller named that file; otherwise it was found in the data directory. */
  readonly isFileNamed: boolean
  /** What the file sets that counts only once it is trusted; undefined for nothing, and for a file that the user named, or whose directory. */
  readonly needsTrust: NeededTrust | undefined
  /** What was open to other users until now. */
  readonly closed: readonly string[]
  /** Probable mistakes that do not prevent a start. */
  readonly warnings: readonly string[]
}

/** The sources of a configuration. */
export interface ConfigSources {
  /** Options of the command line, by setting. */
  flags?: Partial<Record<SettingName, string>>
  /** The file to read, which must exist. Default: `QUILLWORK_CONFIG`, else `quillwork.json` of the data directory if there is one. */
  file?: string | undefined
  /** The environment; default: that of the process. */
  env?: Readonly<Record<string, string | undefined>>
  /** The folder of relative paths; default: the working directory of the process. */
  cwd?: string
  /** A file that is not trusted counts too, and nothing that it names is touched: for the command that shows what it sets. */
  countsUntrusted?: boolean
  /** How the program is called, for the command that an error proposes. Default: `quillwork`. */
  program?: string
  /**
   * What the caller uses: store and broker (default); the API alone where its address is set (`client`); the broker alone. Settings that contradict
   * each other are refused where they are used.
   */
  uses?: 'all' | 'client' | 'broker'
}

const fileVariable = 'QUILLWORK_CONFIG'

/**
 * Returns the configuration, after closing its files to other users: the command line wins over the environment, the environment over the
 * file, the file over the defaults. Throws CONFIG_INVALID, naming the setting and where it was set, for an unknown name or an invalid value,
 * for a found file that sets what counts only once it is trusted, and as `closeToOthers` does.
 */
export function resolveConfig(sources: ConfigSources = {}): ResolvedConfig {
  const { flags = {}, env = process.env, cwd = process.cwd(), countsUntrusted = false } = sources
  const { uses = 'all' } = sources
  refuseRenamedVariables(env)
  const data = path.resolve(cwd, flags.data ?? given(env[variableOf('data')]) ?? defaultData)
  const named = sources.file ?? given(env[fileVariable])
  const configuration = named === undefined ? undefined : path.resolve(cwd, named)
  const allows = findValue('allowOpenData', { flags, env, values: {}, file: undefined })
  const allowOpenData = check('allowOpenData', allows) === true
  // Nothing is obeyed before it is known to be the user's.
  const closed = [...closeToOthers({ data, configuration, allowOpenData })]
  const { file, values } = readFile(
    configuration ?? placesOf(data).configuration,
    configuration !== undefined,
  )
  const origins = {} as Record<SettingName, Origin>
  const config: Record<string, unknown> = {}
  for (const name of settingNames) {
    const found = findValue(name, { flags, env, values, file })
    origins[name] = found.origin
    config[name] = check(name, found)
  }
  config['data'] = data
  const isFound = configuration === undefined && origins.data === 'default'
  const needsTrust = isFound && file !== undefined ? neededTrust(file, values) : undefined
  if (needsTrust !== undefined && !countsUntrusted)
    requireTrust(trustPlace(env), needsTrust, { origins, program: sources.program })
  if (config['model'] !== undefined) origins.models = origins.model
  const checked = deepFreeze(withModels(withAbsoluteFile(config as unknown as Config, cwd), env))
  if (uses === 'all' || (uses === 'client' && checked.url === undefined))
    closed.push(...refuseContradictions(checked, countsUntrusted))
  return Object.freeze({
    config: checked,
    origins: Object.freeze(origins),
    file,
    isFileNamed: sources.file !== undefined,
    needsTrust,
    closed: Object.freeze(closed),
    warnings: Object.freeze([
      ...unknownVariables(env),
      ...plainWarnings(checked),
      ...healthWarnings(checked),
    ]),
  })
}

/** Throws CONFIG_INVALID for settings that contradict each other. Returns the files of the store that were open to other users until now. */
function refuseContradictions(config: Config, countsUntrusted: boolean): readonly string[] {
  refuseCombinations(config)
  const composition = compositionOf(config)
  if (composition.kind !== 'embedded' || countsUntrusted) return []
  return closeToOthers({ sqliteFile: composition.file, allowOpenData: config.allowOpenData })
}

/** Returns the program that opens a page in the browser of this desktop; undefined where there is none, as on a server or over SSH. */
export function pageOpener(
  env: Places['env'] = process.env,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (given(env['SSH_CONNECTION']) !== undefined) return undefined
  if (platform === 'darwin') return 'open'
  if (platform === 'win32') return 'explorer.exe'
  const display = given(env['DISPLAY']) ?? given(env['WAYLAND_DISPLAY'])
  return display === undefined ? undefined : 'xdg-open'
}

/** Returns where the user's trust in files is kept. */
export function trustPlace(env: Places['env'] = process.env): string {
  return trustPlaceOf(env)
}

/** Returns a value as it may be shown: of a secret only whether it is set, of an address neither user nor password. */
export function shownValue({ config }: ResolvedConfig, name: SettingName): unknown {
  const setting: Setting = settings[name]
  const value = config[name]
  if (value === undefined) return undefined
  if (setting.isSecret === true) return '(set, not shown)'
  if (name === 'models') return shownModels(config.models)
  return setting.isAddress === true ? shownAddress(String(value)) : value
}

/** Returns the configuration with the model of `model` where that is set, and with the keys in variables. */
function withModels(config: Config, env: Places['env']): Config {
  if (config.model !== undefined && Object.keys(config.models).length > 0)
    throw invalid('model and models are both set. Set one of them.')
  const models =
    config.model === undefined
      ? config.models
      : modelsOfShort(config.model, keyIn(shortKeyVariable, env) !== undefined)
  const keys = new Map<string, string>()
  for (const { key = '' } of Object.values(models)) {
    const variable = key.startsWith('env:') ? key.slice('env:'.length) : undefined
    const value = variable === undefined ? undefined : keyIn(variable, env)
    if (variable !== undefined && value !== undefined) keys.set(variable, value)
  }
  return { ...config, models, environmentKeys: new EnvironmentKeys(keys) }
}

/** Returns the key in a variable, else in the file that the variable with `_FILE` at its end names. */
function keyIn(variable: string, env: Places['env']): string | undefined {
  const ofFile = `${variable}_FILE`
  const [value, file] = [given(env[variable]), given(env[ofFile])]
  if (value !== undefined && file !== undefined) throw bothSet(variable)
  return value ?? (file && given(textIn(file, ofFile)))
}

/** Returns the models with addresses without their paths, which hold a key at some gateways. */
function shownModels(models: Config['models']) {
  return Object.fromEntries(
    Object.entries(models).map(([id, { baseUrl, ...model }]) => [
      id,
      { ...model, ...defined({ baseUrl: baseUrl && new URL(baseUrl).origin }) },
    ]),
  )
}

interface Found {
  readonly origin: Origin
  readonly value: unknown
  /** The option, variable or file that set it. */
  readonly place: string
}

interface Places {
  flags: Partial<Record<SettingName, string>>
  env: Readonly<Record<string, string | undefined>>
  values: Readonly<Record<string, unknown>>
  file: string | undefined
}

function findValue(name: SettingName, { flags, env, values, file: configuration }: Places): Found {
  const setting: Setting = settings[name]
  const flag = flags[name]
  if (flag !== undefined) {
    const place = setting.flag ?? name
    return { origin: 'command line', place, value: fromText(setting, flag, place) }
  }
  const place = variableOf(name)
  const variable = given(env[place])
  const ofFile = fileVariableOf(name)
  const file = ofFile && given(env[ofFile])
  if (variable !== undefined && file !== undefined) throw bothSet(place)
  if (ofFile !== undefined && file !== undefined)
    return {
      origin: 'environment',
      place: `${file} (${ofFile})`,
      value: fromFile(setting, { file, variable: ofFile }),
    }
  if (variable !== undefined)
    return { origin: 'environment', place, value: fromText(setting, variable, place) }
  if (values[name] !== undefined)
    return { origin: 'file', place: `${name} in ${configuration}`, value: values[name] }
  return { origin: 'default', place: name, value: setting.fallback }
}

/** Returns the value of a variable. An empty one counts as not set: shells and containers unset variables that way. */
function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}

/** Longest file with one value, bytes. */
const longestValue = 65_536

function bothSet(variable: string): QuillworkError {
  return invalid(`${variable} and ${variable}_FILE are both set. Set one of them.`)
}

/** Returns the value that a file holds: one a line, where the setting is a list. */
function fromFile({ kind }: Setting, { file, variable }: { file: string; variable: string }): unknown {
  const text = textIn(file, variable)
  return kind === 'list' ? text.split('\n').flatMap(line => given(line) ?? []) : text
}

/** Returns what is in the file that a variable names, without blanks around it. Throws CONFIG_INVALID where others can change it. */
function textIn(file: string, variable: string): string {
  try {
    refuseChangeable(file)
    if (statSync(file).size > longestValue) throw invalid(`${file} is too large to hold one value.`)
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (error instanceof QuillworkError) throw error
    throw invalid(`${file} (${variable}) cannot be read: ${messageOf(error)}`)
  }
}

/** Returns a text of the environment or the command line as the file would hold it. */
function fromText({ kind }: Setting, text: string, place: string): unknown {
  if (kind === 'count') return /^\d+$/.test(text.trim()) ? Number(text) : text
  if (kind === 'duration') return /^\d+$/.test(text.trim()) ? Number(text) : text.trim()
  if (kind === 'switch') return { true: true, false: false }[text.trim().toLowerCase()] ?? text
  if (kind === 'list') return text.split(',').map(item => item.trim())
  if (kind === 'slots' && !text.trim().startsWith('{')) return slotsFrom(text)
  if (kind !== 'json' && kind !== 'slots') return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(`${place} is not JSON: ${jsonProblem(cause)}`)
  }
}

/** Returns `default=10,batch=4` as the file would hold it. */
function slotsFrom(text: string): Record<string, { slots: unknown }> {
  const pairs = text.split(',').map(item => {
    const [lane = '', slots = ''] = item.trim().split('=')
    return [lane, { slots: /^\d+$/.test(slots) ? Number(slots) : slots }]
  })
  return Object.fromEntries(pairs)
}

function check(name: SettingName, { value, place }: Found): unknown {
  const setting: Setting = settings[name]
  const result = setting.schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(issue => {
    const at = issue.path.map(String).join('.')
    // For an invalid key, the library nests the reason.
    const message =
      issue.code === 'invalid_key' ? issue.issues.map(each => each.message).join(' ') : issue.message
    return at === '' ? message : `${at}: ${message}`
  })
  const isHidden = setting.isSecret === true || setting.isAddress === true || setting.isDelicate === true
  const shown = isHidden ? '' : ` is ${JSON.stringify(value)}`
  throw invalid(`${place}${shown}: ${problems.join(' ')}`)
}

function readFile(
  file: string,
  isNamed: boolean,
): { file: string | undefined; values: Record<string, unknown> } {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (!isNamed && isAbsent) return { file: undefined, values: {} }
    throw invalid(
      isAbsent ? `There is no configuration file ${file}.` : `${file} cannot be read: ${messageOf(error)}`,
    )
  }
  return { file, values: valuesOf(text, file) }
}

function valuesOf(text: string, file: string): Record<string, unknown> {
  let values: unknown
  try {
    values = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw invalid(`${file} is not JSON: ${jsonProblem(cause)}`)
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw invalid(`${file} must hold one JSON object, such as {"port": 8080}.`)
  for (const name of Object.keys(values)) refuseUnknown(name, file)
  return values as Record<string, unknown>
}

function refuseUnknown(name: string, file: string): void {
  const setting: Setting | undefined = Object.hasOwn(settings, name)
    ? settings[name as SettingName]
    : undefined
  if (setting?.notInFile === true)
    throw invalid(`${file} cannot set ${name}; use ${elsewhere(setting, name)}.`)
  if (setting !== undefined) return
  const renamed = renamedSettings.get(name)
  if (renamed !== undefined) throw invalid(`${file} sets "${name}", which is now called "${renamed}".`)
  const known = settingNames.filter(each => !('notInFile' in settings[each]))
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? `The settings are ${known.join(', ')}.` : `Did you mean "${nearest}"?`
  throw invalid(`${file} has an unknown setting "${name}". ${hint}`)
}

function elsewhere({ flag }: Setting, name: string): string {
  const variable = variableOf(name)
  return flag === undefined ? `the variable ${variable}` : `${flag} or ${variable}`
}

/** Throws CONFIG_INVALID for a variable that sets a setting by its former name: ignored, it would change how the server runs. */
function refuseRenamedVariables(env: Places['env']): void {
  for (const [former, name] of renamedSettings) {
    const variable = variableOf(former)
    if (given(env[variable]) !== undefined)
      throw invalid(`${variable} is set, which is now called ${variableOf(name)}.`)
  }
}

/** Returns a warning for metrics that nobody can read: only a server of the API leaves its own token in the data directory. */
function healthWarnings({ roles, healthPort, token, noToken }: Config): string[] {
  if (healthPort === undefined || roles.includes('api') || token !== undefined || noToken) return []
  return ['healthPort is set and token is not: nobody can read /metrics of a process without the role api.']
}

/** Returns warnings for probably mistyped variables. They are no errors: another program may use the same prefix. */
function unknownVariables(env: Places['env']): string[] {
  const files = settingNames.flatMap(name => fileVariableOf(name) ?? [])
  const ofKey = [shortKeyVariable, `${shortKeyVariable}_FILE`]
  const known = [...settingNames.map(variableOf), ...files, fileVariable, ...ofKey]
  return Object.keys(env)
    .filter(name => name.startsWith('QUILLWORK_') && !name.startsWith(keyVariablePrefix))
    .filter(name => !known.includes(name))
    .flatMap(name => {
      const nearest = nearestName(name, known)
      return nearest === undefined ? [] : [`${name} is not a setting. Did you mean ${nearest}?`]
    })
}

/** Returns the message of JSON.parse without the part of the text that it quotes, which may hold a secret. */
function jsonProblem(error: unknown): string {
  return messageOf(error).replace(/, (\.\.\.)?"[\s\S]*$/, '')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}
