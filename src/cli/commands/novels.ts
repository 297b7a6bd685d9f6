import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { chapterSchema, novelSchema, searchAnswer } from '../../http/schemas/novel.ts'
import type {
  candidateNoteSchema,
  candidateSchema,
  historyEntrySchema,
  historyNoteSchema,
  sceneSchema,
} from '../../http/schemas/scene.ts'
import { QuillworkError } from '../../index.ts'
import { candidateStatuses } from '../../novel/library/candidates.ts'
import type { Page } from '../../task/page.ts'
import type { Client } from '../client.ts'
import { findNovel, findSceneId, parseChapters } from '../find-novel.ts'
import { commandText } from '../hints.ts'
import { addPaging, listCommand, type PagingOptions, pagingQuery, parseLimit, printPage } from '../list.ts'
import {
  candidateLines,
  candidatesTable,
  chapterLines,
  entryLines,
  historyTable,
  hitLines,
  outlineLines,
} from '../novel-lines.ts'
import { addGroup, ask, print, type Register, type Run, withServer } from '../run.ts'
import { agoText, numberText } from '../words.ts'
import { addNovelDeletion } from './deletion.ts'
import { addNovelAppend } from './novel-append.ts'
import { addNovelContinuing } from './novel-continuing.ts'
import { addNovelExport } from './novel-export.ts'
import { addNovelPrompts } from './novel-prompts.ts'
import { addNovelReferences } from './novel-references.ts'
import { addNovelShape } from './novel-shape.ts'
import { addNovelStyle } from './novel-style.ts'
import { addNovelSummaries } from './novel-summaries.ts'
import { addNovelRewriting, addNovelWriting, sceneArgument } from './novel-writing.ts'
import { addSnapshots } from './snapshots.ts'

type Novel = z.output<typeof novelSchema>
type Chapter = z.output<typeof chapterSchema>
type Scene = z.output<typeof sceneSchema>
type Answer = z.output<typeof searchAnswer>
type Note = z.output<typeof historyNoteSchema>
type Entry = z.output<typeof historyEntrySchema>
type CandidateNote = z.output<typeof candidateNoteSchema>
type Candidate = z.output<typeof candidateSchema>

const novelArgument = 'id of the novel, or part of its title'

/** Adds `quillwork novels list|show|read|search|begin|rename|…|bin|put-back|reference|references|style|summaries|update-summaries|write|prompts|prompt|continue|outlines|rewrite|brief|candidates|accept|discard|snapshot|…|append|export|history|restore|delete`. */
export function addNovels(program: Command, register: Register): void {
  const novels = addGroup(program, 'novels', 'Begin, read, shape, search, write and delete the novels')
  addPaging(novels.command('list').description('List the novels, newest first')).action(register(list))
  novels
    .command('show')
    .description('Show the volumes and chapters of a novel, and its search index')
    .argument('<novel>', novelArgument)
    .action(register(show))
  novels
    .command('read')
    .description('Read the summaries of the scenes, each with its origin')
    .argument('<novel>', novelArgument)
    .option('--chapters <list>', 'only these, such as 1-3,7')
    .option('--text', 'the text itself instead of the summaries, with its origin where it was not imported')
    .action(register(read))
  novels
    .command('search')
    .description('Find places in a novel')
    .argument('<novel>', novelArgument)
    .argument('<words...>')
    .option('--limit <n>', 'number of places, at most 100; default 20')
    .option('--offset <n>', 'how many of the best are left out; default 0')
    .action(register(search))
  addNovelShape(novels, register, novelArgument)
  addNovelReferences(novels, register, novelArgument)
  addNovelSummaries(novels, register, novelArgument)
  addNovelStyle(novels, register, novelArgument)
  addNovelWriting(novels, register, novelArgument)
  addNovelPrompts(novels, register, novelArgument)
  addNovelContinuing(novels, register, novelArgument)
  addNovelRewriting(novels, register, novelArgument)
  addCandidates(novels, register)
  addSnapshots(novels, register, novelArgument)
  addNovelAppend(novels, register, novelArgument)
  addNovelExport(novels, register, novelArgument)
  addHistory(novels, register)
  addNovelDeletion(novels, register, novelArgument)
}

const list = listCommand<Novel>({
  path: '/v1/novels',
  empty: run => `No novels. Import one: ${commandText('import FILE', run.configure())}`,
  columns: [
    { title: 'ID', text: ({ id }) => id },
    { title: 'CHAPTERS', text: ({ chapters }) => numberText(chapters), right: true },
    { title: 'SCENES', text: ({ scenes }) => numberText(scenes), right: true },
    { title: 'SUMMARIES', text: ({ summaries }) => numberText(summaries), right: true },
    { title: 'WORDS', text: ({ words }) => numberText(words), right: true },
    { title: 'CREATED', text: ({ createdAt }) => agoText(createdAt) },
    { title: 'TITLE', text: ({ title, reference }) => (reference ? `${title} (reference)` : title) },
  ],
})

function show(run: Run) {
  return ask(
    run,
    client => findNovel(client, run.arguments[0] ?? ''),
    outline => [
      ...outlineLines(outline, run.terminal.columns),
      `Read the summaries: ${commandText(`novels read ${outline.id} --chapters 1`, run.configure())}`,
    ],
  )
}

function read(run: Run<{ chapters?: string; text?: boolean }>) {
  const { options } = run
  const wanted = options.chapters === undefined ? undefined : new Set(parseChapters(options.chapters))
  return withServer(run, async ({ client }) => {
    const outline = await findNovel(client, run.arguments[0] ?? '')
    const all = outline.outline.flatMap(({ chapters }) => chapters)
    const chosen = wanted === undefined ? all : all.filter(({ position }) => wanted.has(position))
    if (chosen.length === 0)
      throw new QuillworkError(
        'CHAPTER_NOT_FOUND',
        `The novel has ${all.length} chapters; --chapters names none of them.`,
      )
    for (const { id } of chosen) {
      const chapter = await client.get<Chapter>(`/v1/novels/${outline.id}/chapters/${id}`)
      const scenes = options.text === true ? await readScenes(client, chapter) : undefined
      // One line a chapter: a novel need not fit into one answer.
      const data = scenes === undefined ? chapter : { ...chapter, scenes }
      print(run, data, () => chapterLines(chapter, scenes))
    }
  })
}

async function readScenes(client: Client, { scenes }: Chapter): Promise<Scene[]> {
  const read: Scene[] = []
  for (const { id } of scenes) read.push(await client.get<Scene>(`/v1/scenes/${id}`))
  return read
}

async function search(run: Run<{ limit?: string; offset?: string }>) {
  const [novel = '', ...words] = run.arguments
  const { limit, offset } = run.options
  const query = { q: words.join(' '), limit: parseLimit(limit), offset: parseLimit(offset, '--offset') }
  const found = async (client: Client) =>
    client.get<Answer>(`/v1/novels/${(await findNovel(client, novel)).id}/search`, query)
  return ask(run, found, hitLines)
}

function addCandidates(novels: Command, register: Register): void {
  addPaging(
    novels
      .command('candidates')
      .description('Show the texts that models wrote for a scene, beside its text, newest first')
      .argument('<novel>', novelArgument)
      .argument('<scene>', sceneArgument)
      .addOption(new Option('--status <status...>', 'only these').choices(candidateStatuses))
      .option('--candidate <id>', 'only this one, with its whole text'),
  ).action(register(candidates))
  novels
    .command('accept')
    .description('Have a candidate become the text of its scene; the current one goes into the history')
    .argument('<novel>', novelArgument)
    .argument('<scene>', sceneArgument)
    .argument('<candidate>', 'id of the candidate')
    .action(register(accept))
  novels
    .command('discard')
    .description('Discard a candidate; the text of the scene stays')
    .argument('<novel>', novelArgument)
    .argument('<scene>', sceneArgument)
    .argument('<candidate>', 'id of the candidate')
    .action(register(discard))
}

async function candidates(run: Run<PagingOptions & { status?: string[]; candidate?: string }>) {
  const { candidate: candidateId, status } = run.options
  const [novel = '', place = ''] = run.arguments
  const query = { ...pagingQuery(run.options), status }
  return withServer(run, async ({ client }) => {
    const path = `/v1/scenes/${await findSceneId(client, novel, place)}/candidates`
    if (candidateId !== undefined) {
      const candidate = await client.get<Candidate>(`${path}/${encodeURIComponent(candidateId)}`)
      return print(run, candidate, () => candidateLines(candidate))
    }
    const page = await client.get<Page<CandidateNote>>(path, query)
    const words = `novels accept ${JSON.stringify(novel)} ${place} CANDIDATE`
    printPage(run, page, widest =>
      page.items.length === 0
        ? ['No candidates.']
        : [...candidatesTable(page.items, widest), `Accept one: ${commandText(words, run.configure())}`],
    )
  })
}

/** Posts to an address below the scene that the arguments name, as it is now. */
async function changeScene<Answer>(
  { arguments: [novel = '', place = ''] }: Run,
  client: Client,
  below: string,
  body?: object,
): Promise<Answer> {
  const path = `/v1/scenes/${await findSceneId(client, novel, place)}`
  const { version } = await client.get<Scene>(path)
  return client.post<Answer>(`${path}${below}`, body, { 'if-match': `"${version}"` })
}

function candidateOf({ arguments: [, , candidateId = ''] }: Run): string {
  return `/candidates/${encodeURIComponent(candidateId)}`
}

function accept(run: Run) {
  const [, place] = run.arguments
  return ask(
    run,
    client => changeScene<Scene>(run, client, `${candidateOf(run)}:accept`),
    ({ version }) => [`Accepted. Scene ${place} is now at version ${version}.`],
  )
}

function discard(run: Run) {
  return ask(
    run,
    client => changeScene<Candidate>(run, client, `${candidateOf(run)}:discard`),
    ({ id, status }) => [`Candidate ${id} is ${status}.`],
  )
}

function addHistory(novels: Command, register: Register): void {
  addPaging(
    novels
      .command('history')
      .description(
        'Show the texts and summaries of a scene that were overwritten, or that a model wrote while a person edited it, newest first',
      )
      .argument('<novel>', novelArgument)
      .argument('<scene>', sceneArgument)
      .option('--entry <id>', 'only this entry, with its whole text'),
  ).action(register(history))
  novels
    .command('restore')
    .description('Put an entry of the history back into its scene; the current one goes into the history')
    .argument('<novel>', novelArgument)
    .argument('<scene>', sceneArgument)
    .argument('<entry>', 'id of the entry')
    .action(register(restore))
}

async function history(run: Run<PagingOptions & { entry?: string }>) {
  const { entry: entryId } = run.options
  const [novel = '', place = ''] = run.arguments
  const paging = pagingQuery(run.options)
  return withServer(run, async ({ client }) => {
    const path = `/v1/scenes/${await findSceneId(client, novel, place)}/history`
    if (entryId !== undefined) {
      const entry = await client.get<Entry>(`${path}/${encodeURIComponent(entryId)}`)
      return print(run, entry, () => entryLines(entry))
    }
    const page = await client.get<Page<Note>>(path, paging)
    const words = `novels restore ${JSON.stringify(novel)} ${place} ENTRY`
    printPage(run, page, widest =>
      page.items.length === 0
        ? ['Nothing was overwritten.']
        : [...historyTable(page.items, widest), `Restore an entry: ${commandText(words, run.configure())}`],
    )
  })
}

function restore(run: Run) {
  const [, place, entryId = ''] = run.arguments
  const restored = (client: Client) => changeScene<Scene>(run, client, ':restore', { entryId })
  return ask(run, restored, ({ version }) => [`Restored. Scene ${place} is now at version ${version}.`])
}
