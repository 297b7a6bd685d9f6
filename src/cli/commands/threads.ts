import { randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { threadBody, threadSchema } from '../../http/schemas/threads.ts'
import { QuillworkError } from '../../index.ts'
import { threadEventKinds } from '../../novel/threads/thread.ts'
import { defined } from '../../task/defined.ts'
import type { Client } from '../client.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { findNovel, findSceneId } from '../find-novel.ts'
import { everyEntry, findNamed } from '../list.ts'
import { addGroup, ask, askFirst, print, type Register, type Run, withServer } from '../run.ts'
import { printable, tableLines } from '../text.ts'
import { countOf } from '../words.ts'

type Thread = z.output<typeof threadSchema>
type Fields = z.output<typeof threadBody>

const novelArgument = 'id of the novel, or part of its title'
const threadArgument = 'title of the thread, or its id'
const sceneArgument = 'chapter and scene, such as 3.2, or the id of the scene'

/** Adds `quillwork threads list|show|put|event|delete`. */
export function addThreads(program: Command, register: Register): void {
  const threads = addGroup(
    program,
    'threads',
    'What the story has open: planned, planted, advanced, resolved',
  )
  const before = `how far they are right before a scene: ${sceneArgument}; default: where the text ends`
  threads
    .command('list')
    .description('List the threads of a novel, and how far each is')
    .argument('<novel>', novelArgument)
    .option('--before <scene>', before)
    .option('--overdue', 'only those that an earlier scene was to plant or to resolve')
    .action(register(list))
  const on = (name: string, description: string) =>
    threads
      .command(name)
      .description(description)
      .argument('<novel>', novelArgument)
      .argument('<thread>', threadArgument)
  on('show', 'Show a thread, with its plan and its events')
    .option('--before <scene>', before)
    .action(register(show))
  on('put', 'Change a thread, or add one with that title')
    .option('--title <text>', 'another title')
    .option('--plan <text>', 'what you plan with it; prompts say it once the thread is open')
    .option('--note <text>', 'for you alone: no model ever gets it')
    .option('--plant-by <scene>', `the scene that is to plant it: ${sceneArgument}; none for any`)
    .option('--resolve-by <scene>', `the scene that is to resolve it: ${sceneArgument}; none for any`)
    .action(register(put))
  threads
    .command('event')
    .description('Say that a scene plants, advances or resolves a thread, with the words that do it')
    .argument('<novel>', novelArgument)
    .argument('<thread>', threadArgument)
    .addArgument(threads.createArgument('<kind>', 'what the scene does').choices(threadEventKinds))
    .argument('<scene>', sceneArgument)
    .argument('<quotation>', 'words of the text of the scene')
    .action(register(addEvent))
  on('delete', 'Delete a thread; the text stays as it is')
    .addOption(new Option('--yes', 'do not ask'))
    .action(register(remove))
}

/** Returns the thread with that id or title. Throws THREAD_NOT_FOUND where several have the title. */
function threadIn(client: Client, novelId: string, given: string): Promise<Thread | undefined> {
  const place = { path: `/v1/novels/${novelId}/threads`, given }
  const nameOf = ({ title }: Thread) => title
  return findNamed(client, place, { nameOf, code: 'THREAD_NOT_FOUND', what: 'threads' })
}

/** Returns the thread with that id or title. Throws THREAD_NOT_FOUND, also where several have the title. */
async function findThread(client: Client, novelId: string, given: string): Promise<Thread> {
  const found = await threadIn(client, novelId, given)
  if (found !== undefined) return found
  throw new QuillworkError(
    'THREAD_NOT_FOUND',
    `The novel has no thread ${JSON.stringify(given)}. Give its title or its id, as quillwork threads list prints them.`,
  )
}

interface PlaceOptions {
  before?: string
}

/** Returns the place of `--before` as a query. */
async function placeOf(client: Client, novelId: string, { before }: PlaceOptions) {
  return before === undefined ? {} : { before: await findSceneId(client, novelId, before) }
}

function stateText({ state, overdue, due }: Thread): string {
  return [state, ...(overdue ? ['overdue'] : []), ...(due ? ['due'] : [])].join(', ')
}

function eventsText({ events }: Thread): string {
  const lost = events.filter(({ outOfDate }) => outOfDate).length
  return lost === 0 ? `${events.length}` : `${events.length} (${lost} out of date)`
}

const columns = [
  { title: 'ID', text: ({ id }: Thread) => printable(id) },
  { title: 'STATE', text: stateText },
  { title: 'EVENTS', text: eventsText },
  { title: 'TITLE', text: ({ title }: Thread) => printable(title) },
]

function list(run: Run<PlaceOptions & { overdue?: boolean }>) {
  const all = async (client: Client) => {
    const { id } = await findNovel(client, run.arguments[0] ?? '')
    const place = await placeOf(client, id, run.options)
    const found: Thread[] = []
    for await (const thread of everyEntry<Thread>(client, `/v1/novels/${id}/threads`, place))
      if (run.options.overdue !== true || thread.overdue) found.push(thread)
    return found
  }
  const nothing = run.options.overdue === true ? 'No thread is overdue.' : 'The novel has no threads.'
  return ask(run, all, (found, widest) =>
    found.length === 0 ? [nothing] : tableLines(found, columns, widest),
  )
}

function show(run: Run<PlaceOptions>) {
  const [novel = '', given = ''] = run.arguments
  const read = async (client: Client) => {
    const { id: novelId } = await findNovel(client, novel)
    const { id } = await findThread(client, novelId, given)
    return client.get<Thread>(pathOf(novelId, id), await placeOf(client, novelId, run.options))
  }
  return ask(run, read, threadLines)
}

function pathOf(novelId: string, threadId: string): string {
  return `/v1/novels/${novelId}/threads/${encodeURIComponent(threadId)}`
}

function threadLines(thread: Thread): string[] {
  const { title, plan, note, plantBy, resolveBy, events } = thread
  const block = (text: string) => (text === '' ? [] : text.split('\n').map(printable))
  return [
    `${printable(title)} (${stateText(thread)})`,
    ...block(plan),
    ...(plantBy === '' ? [] : [`To be planted by scene ${printable(plantBy)}.`]),
    ...(resolveBy === '' ? [] : [`To be resolved by scene ${printable(resolveBy)}.`]),
    ...events.map(({ kind, scene, quotation, outOfDate }) => {
      const words = printable(quotation.replaceAll(/\s+/g, ' '))
      return `${kind} in scene ${printable(scene)}: ${words}${outOfDate ? ' (out of date: not in its text)' : ''}`
    }),
    ...(note === '' ? [] : ['Private note:', ...block(note)]),
  ]
}

/** Writes fields of a thread over what it was when it was read. */
function write(client: Client, { novelId, id, version, ...thread }: Thread, fields: Partial<Fields>) {
  const { title, plan, note, plantBy, resolveBy } = thread
  const events = thread.events.map(({ outOfDate: _, ...event }) => event)
  const body = { title, plan, note, plantBy, resolveBy, events, ...fields }
  return client.put<Thread>(pathOf(novelId, id), body, { 'if-match': `"${version}"` })
}

interface PutOptions {
  title?: string
  plan?: string
  note?: string
  plantBy?: string
  resolveBy?: string
}

function put(run: Run<PutOptions>) {
  const [novel = '', given = ''] = run.arguments
  const { plantBy, resolveBy, title, plan, note } = run.options
  const written = async (client: Client) => {
    const { id: novelId } = await findNovel(client, novel)
    const sceneOf = async (place: string | undefined) => {
      if (place === undefined) return undefined
      return place === 'none' ? '' : findSceneId(client, novelId, place)
    }
    const scenes = { plantBy: await sceneOf(plantBy), resolveBy: await sceneOf(resolveBy) }
    const fields = defined({ title, plan, note, ...scenes })
    const thread = await threadIn(client, novelId, given)
    if (thread === undefined) {
      const body = { title: given, ...fields }
      return client.put<Thread>(pathOf(novelId, randomUUID()), body, { 'if-match': '"0"' })
    }
    if (Object.keys(fields).length === 0)
      throw usageError(`The novel has the thread ${JSON.stringify(given)} already; say what is to change.`)
    return write(client, thread, fields)
  }
  return ask(run, written, threadLines)
}

function addEvent(run: Run) {
  const [novel = '', given = '', kind = '', place = '', quotation = ''] = run.arguments
  const written = async (client: Client) => {
    const { id: novelId } = await findNovel(client, novel)
    const thread = await findThread(client, novelId, given)
    const scene = await findSceneId(client, novelId, place)
    const events = thread.events.map(({ outOfDate: _, ...event }) => event)
    const added = { scene, kind: threadEventKinds.find(each => each === kind) ?? 'advanced', quotation }
    return write(client, thread, { events: [...events, added] })
  }
  return ask(run, written, threadLines)
}

function remove(run: Run<{ yes?: boolean }>) {
  const [novel = '', given = ''] = run.arguments
  return withServer(run, async ({ client }) => {
    const { id: novelId } = await findNovel(client, novel)
    const thread = await findThread(client, novelId, given)
    const { id, version, title } = thread
    const question = `Delete the thread ${printable(title)}, with its note and ${countOf(thread.events.length, 'event')}?`
    if (!(await askFirst(run, { question, nothing: 'Nothing was deleted' }))) return exitCodes.failed
    await client.remove(pathOf(novelId, id), { 'if-match': `"${version}"` })
    print(run, { id }, () => ['The thread is deleted.'])
    return exitCodes.ok
  })
}
