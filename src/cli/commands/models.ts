import type { Command } from 'commander'
import type { ModelDescription } from '../../ai/catalogue.ts'
import { type Trial, tryModel } from '../../ai/try-model.ts'
import { isKey, listKeys, removeKey, storeKey } from '../../server/key-file.ts'
import { keyName, originOf } from '../../server/key-source.ts'
import type { FoundKey } from '../../server/models.ts'
import type { ModelSettings } from '../../server/models-setting.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { addGroup, print, printJson, type Register, type Run } from '../run.ts'
import { listenForSignals } from '../signals.ts'
import { tableLines } from '../text.ts'
import { agoText, countOf, numberText, trialText } from '../words.ts'
import { addKeptModels } from './kept-models.ts'

/** Adds `quillwork models list|test|key`. They read the configuration, and need no server. */
export function addModels(program: Command, register: Register): void {
  const about = 'List and test the language models of the configuration, and store their keys'
  const models = addGroup(program, 'models', about)
  models
    .command('list')
    .description('List the models with their uses, limits, prices, and whether their keys are there')
    .action(register(list))
  models
    .command('test')
    .description('Ask a model, or every model, for one word; exit code 1 if one does not answer')
    .argument('[id]')
    .action(register(test))
  addKeptModels(models, register)
  const key = addGroup(models, 'key', 'Store keys in the data directory, encrypted with QUILLWORK_SECRET')
  key
    .command('set')
    .description('Store a key under a name. The key is read from standard input, never from the command line')
    .argument('<name>')
    .option(
      '--for <list>',
      'the only addresses that it may go to; default: those of the models that use it in the configuration',
    )
    .action(register(setKey))
  key.command('list').description('List the names of the stored keys').action(register(listNames))
  key.command('remove').description('Remove a stored key').argument('<name>').action(register(deleteKey))
}

/** The adapters of providers load only where they are needed. */
function loadModels() {
  return import('../../server/models.ts')
}

type Row = ModelDescription & { readonly key: FoundKey }

async function list(run: Run) {
  const { config } = run.configure()
  const { createModels, findKeys } = await loadModels()
  const keys = findKeys(config)
  const rows = createModels(config)
    .models()
    .map((model): Row => ({ ...model, key: keys.get(model.id) ?? {} }))
  print(run, { items: rows.map(rowJson) }, () => modelLines(rows))
}

function rowJson({ key, ...model }: Row) {
  return {
    ...model,
    ...(key.source === undefined ? {} : { key: key.source, keyFound: key.key !== undefined }),
  }
}

function modelLines(rows: readonly Row[]): string[] {
  const table = tableLines(rows, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'PROVIDER', text: ({ provider }) => provider },
    { title: 'MODEL', text: ({ model }) => model },
    { title: 'USES', text: usesText },
    { title: 'LIMITS', text: ({ limits }) => limitsText(limits) },
    { title: 'PRICE', text: ({ price }) => priceText(price) },
    { title: 'KEY', text: ({ key }) => keyText(key) },
  ])
  const problems = rows.flatMap(({ problem }) => problem?.message ?? [])
  return [
    ...table,
    '',
    '* = used where a task names no model. Prices per million tokens, in / out.',
    ...problems,
    ...(rows.some(({ provider }) => provider !== 'built-in')
      ? []
      : ['No model is configured: summaries quote the text, and no prose is written. See docs/models.md.']),
  ]
}

function usesText({ uses, defaultFor }: ModelDescription): string {
  return uses.map(use => (defaultFor.includes(use) ? `${use}*` : use)).join(', ')
}

function limitsText(limits: ModelDescription['limits']): string {
  if (limits === undefined) return 'none'
  const { requestsPerMinute, tokensPerMinute, concurrency } = limits
  const parts = [
    ...(requestsPerMinute === undefined ? [] : [`${numberText(requestsPerMinute)} calls/min`]),
    ...(tokensPerMinute === undefined ? [] : [`${numberText(tokensPerMinute)} tokens/min`]),
    ...(concurrency === undefined ? [] : [`${concurrency} at once`]),
  ]
  return parts.length === 0 ? 'none' : parts.join(', ')
}

function priceText(price: ModelDescription['price']): string {
  if (price === undefined) return 'not set'
  const { input, cachedInput, output, currency } = price
  return `${input}${cachedInput === undefined ? '' : ` (${cachedInput} cached)`} / ${output} ${currency}`
}

function keyText({ source, key }: FoundKey): string {
  if (source === undefined) return 'none'
  return `${source} ${key === undefined ? 'MISSING' : 'present'}`
}

async function test(run: Run): Promise<number> {
  const { config } = run.configure()
  const { createModels } = await loadModels()
  const models = createModels(config)
  const tried = chosen(models.models(), run.arguments[0])
  using signals = listenForSignals()
  const trials: Trial[] = []
  for (const model of tried) {
    const trial = await tryModel(models, model, signals.asked).catch(() => undefined)
    if (trial === undefined) return signals.exitCode
    trials.push(trial)
    if (!run.json) run.terminal.out(`${trial.ok ? 'ok   ' : 'wrong'}  ${trial.id}  ${trialText(trial)}`)
  }
  if (run.json) printJson(run, { items: trials })
  else if (trials.length === 0) run.terminal.out('No model is configured. See docs/models.md.')
  return trials.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failed
}

/** The models of providers, or the named one of them. */
function chosen(models: readonly ModelDescription[], id: string | undefined): readonly ModelDescription[] {
  const configured = models.filter(({ provider }) => provider !== 'built-in')
  if (id === undefined) return configured
  const model = configured.find(each => each.id === id)
  if (model !== undefined) return [model]
  const ids = configured.map(each => each.id).join(', ')
  throw usageError(
    `There is no model "${id}" in the configuration. ${ids === '' ? 'None is configured.' : `There are: ${ids}.`}`,
  )
}

async function setKey(run: Run<{ for?: string }>) {
  const { config } = run.configure()
  const name = nameOf(run)
  const origins = originsFor(name, config.models, run.options.for)
  const given = await run.terminal.readSecret(
    `The key to store as ${name}, for ${origins.join(' and ')} (it is not shown): `,
  )
  const key = given.trim()
  if (key === '') throw usageError('There is no key on standard input. Pipe it in, or type it when asked.')
  if (!isKey(key))
    throw usageError(
      'The text from standard input holds blanks or other characters that no key has. Give the key alone.',
    )
  storeKey(config.data, config.secret, { name, key, origins })
  print(run, { name, source: `stored:${name}`, origins }, () => [
    `Stored for ${origins.join(' and ')}. Give it to a model there by "key": "stored:${name}". A running server reads it at its next start.`,
  ])
}

/** Returns the origins that a key may go to: the given ones, else those of the models that use it. */
function originsFor(name: string, models: ModelSettings, given: string | undefined): readonly string[] {
  const addresses = given?.split(',').map(address => address.trim())
  const isWrong = (address: string) => !/^https?:\/\/[^/]/i.test(address) || !URL.canParse(address)
  if (addresses?.some(isWrong) === true)
    throw usageError('--for takes addresses, separated by commas, such as https://api.example.')
  const origins =
    addresses?.map(address => new URL(address).origin) ??
    Object.values(models)
      .filter(({ key }) => key === `stored:${name}`)
      .map(originOf)
  if (origins.length > 0) return [...new Set(origins)]
  throw usageError(
    `No model of the configuration has "key": "stored:${name}", so it is not known where the key may go. Say it, such as --for https://api.example, or configure the model first.`,
  )
}

async function listNames(run: Run) {
  const { config } = run.configure()
  const keys = listKeys(config.data).map(stored => ({
    ...stored,
    models: Object.entries(config.models)
      .filter(([, { key }]) => key === `stored:${stored.name}`)
      .map(([id]) => id),
  }))
  const table = () =>
    tableLines(keys, [
      { title: 'NAME', text: ({ name }) => name },
      { title: 'STORED', text: ({ storedAt }) => agoText(storedAt) },
      { title: 'FOR', text: ({ origins }) => origins.join(', ') },
      { title: 'MODELS', text: ({ models }) => models.join(', ') },
    ])
  print(run, { items: keys }, () => (keys.length === 0 ? ['No key is stored.'] : table()))
}

async function deleteKey(run: Run): Promise<number> {
  const { config } = run.configure()
  const name = nameOf(run)
  const users = Object.values(config.models).filter(({ key }) => key === `stored:${name}`)
  const isRemoved = removeKey(config.data, name)
  const unusable =
    users.length === 0
      ? ''
      : ` Without it, ${countOf(users.length, 'model')} of the configuration cannot be used.`
  print(run, { name, removed: isRemoved }, () => [
    isRemoved ? `Removed.${unusable}` : `No key is stored as ${name}.`,
  ])
  return isRemoved ? exitCodes.ok : exitCodes.failed
}

function nameOf(run: Run): string {
  const [name = ''] = run.arguments
  if (keyName.test(name)) return name
  // It is not repeated: it may be the key itself.
  throw usageError(
    "This is not a name for a key. Give 1 to 40 letters, digits, '_', '.' or '-', such as main. The key itself goes to standard input.",
  )
}
