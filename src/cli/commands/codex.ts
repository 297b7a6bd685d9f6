import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { TaskJson } from '../../http/index.ts'
import type {
  codexEntrySchema,
  findingSchema,
  placeSchema,
  proposedSchema,
} from '../../http/schemas/codex.ts'
import type { sceneSchema } from '../../http/schemas/scene.ts'
import { QuillworkError } from '../../index.ts'
import { placeKinds } from '../../novel/codex/rename.ts'
import type { renameInNovel } from '../../novel/index.ts'
import type { Out } from '../../task/definition.ts'
import type { Page } from '../../task/page.ts'
import type { Client } from '../client.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { findNovel, findSceneId } from '../find-novel.ts'
import { followTask } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { everyEntry, findNamed } from '../list.ts'
import { addGroup, ask, askFirst, print, type Register, type Run, type Session, withSession } from '../run.ts'
import { printable, tableLines } from '../text.ts'
import { countOf } from '../words.ts'
import { addCodexReading } from './codex-reading.ts'
import { sceneArgument } from './novel-writing.ts'

type Entry = z.output<typeof codexEntrySchema>
type Finding = z.output<typeof findingSchema>
type Place = z.output<typeof placeSchema>
type Proposals = z.output<typeof proposedSchema>
type Scene = z.output<typeof sceneSchema>
/** Ids of entries. */
type Choice = Record<'pinned' | 'barred', string[]>

const nothing: Choice = { pinned: [], barred: [] }
type Renamed = Out<NonNullable<(typeof renameInNovel)['result']>>

const novelArgument = 'id of the novel, or part of its title'
const entryArgument = 'name of the entry, or its id'

/** Adds `quillwork codex list|rename|merge|pin|bar|proposals|check|propose|check-with-model`. */
export function addCodex(program: Command, register: Register): void {
  const codex = addGroup(program, 'codex', 'What an author knows of people, places, things and facts')
  codex
    .command('list')
    .description('List the entries of the codex of a novel')
    .argument('<novel>', novelArgument)
    .action(register(list))
  codex
    .command('rename')
    .description(
      'Rename an entry, and every mention of it in texts, summaries, other entries, threads and points of view',
    )
    .argument('<novel>', novelArgument)
    .argument('<entry>', entryArgument)
    .argument('<names...>', 'the old and the new name; several pairs for several names')
    .addOption(
      new Option('--in <what...>', 'where mentions are changed; default: everywhere').choices(placeKinds),
    )
    .option('--only-entry', 'change the names of the entry, and no mention')
    .option('--keep-old', 'keep the old names as aliases')
    .option('--preview', 'only show every place that would be changed')
    .option('--yes', 'do not ask')
    .option('--background', 'do not wait until it is renamed')
    .action(register(rename))
  codex
    .command('merge')
    .description('Have an entry take another one in, with its names, text, notes, changes and relations')
    .argument('<novel>', novelArgument)
    .argument('<entry>', 'the entry that stays: its name, or its id')
    .argument('<other>', 'the entry that is gone then: its name, or its id')
    .option('--preview', 'only show what the entry would be')
    .action(register(merge))
  for (const [name, description] of [
    ['pin', 'Have the prompts of a scene tell an entry, whatever the text mentions'],
    ['bar', 'Keep an entry out of the prompts of a scene, whatever the text mentions'],
  ] as const)
    codex
      .command(name)
      .description(description)
      .argument('<novel>', novelArgument)
      .argument('<scene>', sceneArgument)
      .argument('<entry>', entryArgument)
      .option('--undo', 'leave it to the mentions again')
      .action(register(choose(name === 'pin' ? 'pinned' : 'barred')))
  codex
    .command('proposals')
    .description(
      'List what the text has and no entry does: found by codex propose, and names found without a model',
    )
    .argument('<novel>', novelArgument)
    .action(register(proposals))
  codex
    .command('check')
    .description(
      'Show where the text speaks against the codex: found without a model, and by codex check-with-model',
    )
    .argument('<novel>', novelArgument)
    .option('--intended <finding>', 'have a finding, by its id, not counted again; with --reason')
    .option('--reason <text>', 'why it is intended')
    .action(register(check))
  addCodexReading(codex, register, novelArgument)
}

/** Returns the entry with that id or name. Throws CODEX_ENTRY_NOT_FOUND, also where several have the name. */
async function findEntry(client: Client, novelId: string, given: string): Promise<Entry> {
  const code = 'CODEX_ENTRY_NOT_FOUND'
  const place = { path: `/v1/novels/${novelId}/codex`, given }
  const entry = await findNamed<Entry>(client, place, { nameOf: ({ name }) => name, code, what: 'entries' })
  if (entry !== undefined) return entry
  throw new QuillworkError(
    code,
    `The codex has no entry ${JSON.stringify(given)}. Give its name or its id, as quillwork codex list prints them.`,
  )
}

function list(run: Run) {
  const all = async (client: Client) => {
    const { id } = await findNovel(client, run.arguments[0] ?? '')
    const entries: Entry[] = []
    for await (const entry of everyEntry<Entry>(client, `/v1/novels/${id}/codex`)) entries.push(entry)
    return entries
  }
  const columns = [
    { title: 'ID', text: ({ id }: Entry) => id },
    { title: 'KIND', text: ({ kind }: Entry) => kind },
    { title: 'IN PROMPTS', text: ({ when }: Entry) => when },
    { title: 'NAMES', text: ({ name, aliases }: Entry) => printable([name, ...aliases].join(', ')) },
  ]
  return ask(run, all, (entries, widest) =>
    entries.length === 0 ? ['The codex has no entries.'] : tableLines(entries, columns, widest),
  )
}

interface RenameOptions {
  in?: (typeof placeKinds)[number][]
  onlyEntry?: boolean
  keepOld?: boolean
  preview?: boolean
  yes?: boolean
  background?: boolean
}

function rename(run: Run<RenameOptions>) {
  const [novel = '', given = '', ...pairs] = run.arguments
  if (pairs.length % 2 !== 0)
    throw usageError('Give the names in pairs: the old one, then the one that takes its place.')
  const names = pairs.flatMap((from, at) => (at % 2 === 0 ? [{ from, to: pairs[at + 1] ?? '' }] : []))
  const { options } = run
  const where = options.onlyEntry === true ? [] : options.in
  const act = async (session: Session) => {
    const { client } = session.connection
    const { id: novelId } = await findNovel(client, novel)
    const { id: entryId, version: expectedVersion } = await findEntry(client, novelId, given)
    const places = await placesOf(client, `/v1/novels/${novelId}/codex/${entryId}:places`, {
      names,
      in: where,
    })
    if (options.preview === true) return print(run, places, () => placeLines(places))
    const sure = places.filter(({ doubt }) => doubt === undefined).length
    for (const line of run.json ? [] : placeLines(places.filter(({ doubt }) => doubt !== undefined)))
      run.terminal.note(line)
    const question = `Rename the entry, and change ${countOf(sure, 'place')}?`
    if (!(await askFirst(run, { question, nothing: 'Nothing was renamed' }))) return exitCodes.failed
    const task = await client.post<TaskJson>('/v1/tasks', {
      taskType: 'RenameInNovel',
      parameters: { novelId, entryId, expectedVersion, names, keepsOld: options.keepOld, in: where },
    })
    return followTask(run, session, {
      task,
      detached: options.background === true,
      shows: 'tree',
      sayEnd: ended => sayRenamed(run, session, ended),
    })
  }
  return withSession(run, act, { works: options.preview !== true })
}

async function placesOf(client: Client, path: string, body: object): Promise<Place[]> {
  const places: Place[] = []
  for (let pageToken: string | undefined; ; ) {
    const page = await client.post<Page<Place>>(path, { ...body, pageSize: 1_000, pageToken })
    places.push(...page.items)
    pageToken = page.nextPageToken
    if (pageToken === undefined) return places
  }
}

const doubts = {
  shared: 'stays, for another entry has the name too: ',
  'other-case': 'stays, for it is written in other letters: ',
}

function placeLines(places: readonly Place[]): string[] {
  return places.map(({ what, before, text, to, after, doubt, ...of }) => {
    const line = printable(`${before}[${text} > ${to}]${after}`.replaceAll(/\s+/g, ' '))
    const where = of.scene?.id ?? of.entry?.name ?? of.thread?.title ?? 'the novel'
    return `${printable(where)} (${what}): ${doubt === undefined ? '' : doubts[doubt]}${line}`
  })
}

function sayRenamed({ terminal }: Run, { resolved }: Session, task: TaskJson): void {
  const { places, texts, summaries, entries, threads, views, refused, refusedTexts } = task.result as Renamed
  terminal.out(
    `Changed ${countOf(places, 'place')}; texts: ${texts}, summaries: ${summaries}, entries: ${entries}, threads: ${threads}, points of view: ${views}.`,
  )
  if (refusedTexts > 0)
    terminal.note(
      `Left as they are, because somebody changed them meanwhile or they would be too long: ${refused.map(({ id }) => id).join(', ')}`,
    )
  if (texts > 0) terminal.note(`To undo the texts: ${commandText(`tasks undo-texts ${task.id}`, resolved)}`)
}

function merge(run: Run<{ preview?: boolean }>) {
  const [novel = '', given = '', other = ''] = run.arguments
  const preview = run.options.preview === true
  const merged = async (client: Client) => {
    const { id: novelId } = await findNovel(client, novel)
    const [kept, taken] = [await findEntry(client, novelId, given), await findEntry(client, novelId, other)]
    const body = { otherId: taken.id, otherVersion: taken.version, preview }
    const path = `/v1/novels/${novelId}/codex/${kept.id}:merge`
    return client.post<Entry>(path, body, { 'if-match': `"${kept.version}"` })
  }
  return ask(run, merged, ({ name, aliases, text, note }) => [
    preview ? 'The entry would be:' : 'The entry is now:',
    printable([name, ...aliases].join(', ')),
    ...text.split('\n').map(printable),
    ...(note === '' ? [] : ['Private note:', ...note.split('\n').map(printable)]),
  ])
}

/** Returns what puts an entry among the pinned or the barred ones of a scene, or takes it out of these. */
function choose(which: keyof Choice) {
  return (run: Run<{ undo?: boolean }>) => {
    const [novel = '', place = '', given = ''] = run.arguments
    const isUndone = run.options.undo === true
    const chosen = async (client: Client) => {
      const { id: novelId } = await findNovel(client, novel)
      const entry = await findEntry(client, novelId, given)
      const path = `/v1/scenes/${await findSceneId(client, novelId, place)}`
      const { version, codex: { pinned, barred } = nothing } = await client.get<Scene>(path)
      const codex: Choice = { pinned: [...pinned], barred: [...barred] }
      // An entry is pinned or barred, not both.
      for (const of of isUndone ? [which] : (['pinned', 'barred'] as const))
        codex[of] = codex[of].filter(id => id !== entry.id)
      if (!isUndone) codex[which].push(entry.id)
      const scene = await client.patch<Scene>(path, { codex }, { 'if-match': `"${version}"` })
      return { novelId, sceneId: scene.id, entryId: entry.id, name: entry.name, codex }
    }
    const done = { pinned: 'is pinned in', barred: 'is barred from' }[which]
    return ask(run, chosen, ({ novelId, sceneId, name }) => [
      `${printable(name)} ${isUndone ? done.replace('is', 'is no longer') : done} the prompts of the scene.`,
      `See what the model would be shown: ${commandText(`novels write ${novelId} ${sceneId} --preview`, run.configure())}`,
    ])
  }
}

function proposals(run: Run) {
  const proposed = async (client: Client) => {
    const { id } = await findNovel(client, run.arguments[0] ?? '')
    return client.get<Proposals>(`/v1/novels/${id}/codex-proposals`)
  }
  return ask(run, proposed, ({ items }) =>
    items.length === 0
      ? ['No names without an entry were found.']
      : items.flatMap(({ name, aliases, kind, text, entryId, quotation }) => [
          printable(
            `${[name, ...aliases].join(', ')} (${entryId === undefined ? kind : `other name of ${entryId}`}): ${quotation}`,
          ),
          ...(text === '' ? [] : text.split('\n').map(line => `  ${printable(line)}`)),
        ]),
  )
}

function check(run: Run<{ intended?: string; reason?: string }>) {
  const { intended: key, reason } = run.options
  if ((key === undefined) !== (reason === undefined))
    throw usageError('Give --intended with --reason: why the finding is intended.')
  const found = async (client: Client) => {
    const { id } = await findNovel(client, run.arguments[0] ?? '')
    if (key !== undefined)
      await client.post(`/v1/novels/${id}/codex:dismiss`, { what: 'finding', key, reason })
    const findings: Finding[] = []
    for await (const each of everyEntry<Finding>(client, `/v1/novels/${id}/codex-findings`))
      findings.push(each)
    return findings.filter(({ intended }) => intended === undefined)
  }
  return ask(run, found, findings =>
    findings.length === 0
      ? ['Nothing in the text speaks against the codex.']
      : findings.flatMap(({ id, code, name, sceneId, quotation, entryQuotation, explanation = '' }) => [
          `${code} ${printable(name)}, scene ${sceneId}, finding ${id}`,
          `  ${printable(quotation.replaceAll(/\s+/g, ' '))}`,
          ...(entryQuotation === undefined
            ? []
            : [`  The entry: ${printable(entryQuotation.replaceAll(/\s+/g, ' '))}`]),
          ...(explanation === '' ? [] : [`  ${printable(explanation)}`]),
        ]),
  )
}
