import type { Command } from 'commander'
import type { KeptModelList, KeptModelView, ModelFields, SettingsTrial } from '../../ai/model-settings.ts'
import { fieldsOfShort } from '../../server/models-setting.ts'
import type { Client } from '../client.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { addGroup, ask, print, type Register, type Run, withServer } from '../run.ts'
import { tableLines } from '../text.ts'
import { trialText } from '../words.ts'

/** Adds `quillwork models kept …`: models that are kept in the store and used without a restart. They ask the server. */
export function addKeptModels(models: Command, register: Register): void {
  const kept = addGroup(models, 'kept', 'Models that are kept in the store, and used without a restart')
  kept
    .command('list')
    .description('List them in the order of preference, with the end of each key')
    .action(register(list))
  kept
    .command('set')
    .description('Set up a model, or write one anew; it is used at once')
    .argument('<id>')
    .argument(
      '<model>',
      "such as 'qwen3:8b@http://127.0.0.1:11434/v1', openai:NAME, or a JSON object with fields of docs/models.md",
    )
    .option('--key', 'read a key from standard input; it is encrypted, and replaces the one that is kept')
    .action(register(set))
  kept
    .command('test')
    .description('Ask one for one word; exit code 1 if it does not answer')
    .argument('<id>')
    .action(register(test))
  kept
    .command('prefer')
    .description('Use one before the others that are kept')
    .argument('<id>')
    .action(
      register(run =>
        changeList(run, (client, id, version) => client.post(`${path(id)}:prefer`, undefined, version)),
      ),
    )
  kept
    .command('remove')
    .description('Remove one, with its key')
    .argument('<id>')
    .action(register(run => changeList(run, (client, id, version) => client.remove(path(id), version))))
}

function path(id: string): string {
  return `/v1/models/${encodeURIComponent(id)}`
}

function list(run: Run) {
  return ask(run, client => client.get<KeptModelList>('/v1/models'), listLines)
}

function listLines({ items }: KeptModelList): readonly string[] {
  if (items.length === 0) return ['No model is kept.']
  return [
    ...tableLines(items, [
      { title: 'ID', text: ({ id }) => id },
      { title: 'PROVIDER', text: ({ fields }) => String(fields['provider']) },
      { title: 'MODEL', text: ({ fields }) => String(fields['model']) },
      { title: 'ADDRESS', text: ({ fields }) => String(fields['baseUrl'] ?? '') },
      { title: 'KEY', text: keyText },
    ]),
    ...items.flatMap(({ id, problem, isOverruled }) =>
      isOverruled
        ? [`${id}: the configuration has a model with this id, which is used.`]
        : problem === undefined
          ? []
          : [`${id}: ${problem}`],
    ),
  ]
}

function keyText({ key }: KeptModelView): string {
  return key === undefined ? 'none' : `…${key.lastCharacters}`
}

/** Makes a change of the list as it is now, and prints the list. */
function changeList(
  run: Run,
  change: (client: Client, id: string, version: { 'if-match': string }) => Promise<KeptModelList>,
) {
  const [id = ''] = run.arguments
  return ask(
    run,
    async client => {
      const { version } = await client.get<KeptModelList>('/v1/models')
      return change(client, id, { 'if-match': `"${version}"` })
    },
    listLines,
  )
}

async function set(run: Run<{ key?: boolean }>) {
  const [, model = ''] = run.arguments
  const fields = fieldsOf(model)
  const key =
    run.options.key === true
      ? (await run.terminal.readSecret('The key of the model (it is not shown): ')).trim()
      : undefined
  if (key === '') throw usageError('There is no key on standard input. Pipe it in, or type it when asked.')
  const body = { fields, ...(key === undefined ? {} : { key }) }
  return changeList(run, (client, id, version) => client.put(path(id), body, version))
}

/** Reads the short form of a model, or JSON. */
function fieldsOf(text: string): ModelFields {
  if (!text.trim().startsWith('{')) {
    const fields = fieldsOfShort(text)
    if (fields !== undefined) return fields
    throw usageError(
      'Give the model as NAME@http://HOST:PORT/v1, openai:NAME, anthropic:NAME or google:NAME, or as a JSON object.',
    )
  }
  try {
    return JSON.parse(text) as ModelFields
  } catch {
    throw usageError('The model is not valid JSON.')
  }
}

function test(run: Run) {
  const [id = ''] = run.arguments
  return withServer(run, async ({ client }) => {
    const trial = await client.post<SettingsTrial>(`${path(id)}:test`, {})
    print(run, trial, () => [trialText(trial)])
    return trial.ok ? exitCodes.ok : exitCodes.failed
  })
}
