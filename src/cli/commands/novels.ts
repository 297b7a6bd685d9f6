import type { Command } from 'commander'
import type { z } from 'zod'
import type { chapterSchema, novelSchema, searchAnswer } from '../../http/schemas/novel.ts'
import type { historyEntrySchema, historyNoteSchema, sceneSchema } from '../../http/schemas/scene.ts'
import { QuillworkError } from '../../index.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { findNovel, findSceneId, parseChapters } from '../find-novel.ts'
import { commandText } from '../hints.ts'
import { chapterLines, entryLines, historyTable, hitLines, outlineLines } from '../novel-lines.ts'
import { addPaging, type PagingOptions, pagingQuery, parseLimit, sayNextPage } from '../paging.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'
import { tableLines } from '../text.ts'
import { agoText, numberText } from '../words.ts'
import { addNovelWriting } from './novel-writing.ts'

type Novel = z.output<typeof novelSchema>
type Chapter = z.output<typeof chapterSchema>
type Scene = z.output<typeof sceneSchema>
type Answer = z.output<typeof searchAnswer>

const novelArgument = 'id of the novel, or part of its title'

/** `quillwork novels list|show|read|search|write|brief|history|restore`. */
export function addNovels(program: Command, register: Register): void {
  const novels = program.command('novels').description('Read, search and write the novels').helpCommand(false)
  addPaging(novels.command('list').description('List the novels, newest first')).action(
    register<PagingOptions>(list),
  )
  novels
    .command('show')
    .description('Show the volumes and chapters of a novel, and its search index')
    .argument('<novel>', novelArgument)
    .action(register(show))
  novels
    .command('read')
    .description('Read the summaries of the scenes, each with how it came about')
    .argument('<novel>', novelArgument)
    .option('--chapters <list>', 'only these, such as 1-3,7')
    .option(
      '--text',
      'the text itself instead of the summaries, with how it came about where it was not imported',
    )
    .action(register<ReadOptions>(read))
  novels
    .command('search')
    .description('Find places in a novel')
    .argument('<novel>', novelArgument)
    .argument('<words...>')
    .option('--limit <n>', 'at most so many, up to 100; default 20')
    .action(register<{ limit?: string }>(search))
  addNovelWriting(novels, register, novelArgument)
  addNovelHistory(novels, register, novelArgument)
}

function list(run: Run<PagingOptions>): Promise<number> {
  const { terminal, options } = run
  const paging = pagingQuery(options)
  return withServer(run, 'quillwork novels list', async ({ client }) => {
    const page = await client.get<{ items: Novel[]; nextPageToken?: string }>('/v1/novels', paging)
    if (run.json) printJson(run, page)
    else if (page.items.length === 0)
      terminal.out(`No novels. Import one: ${commandText('import FILE', run.configure())}`)
    else
      for (const line of novelTable(page.items, terminal.isInteractive ? terminal.columns : undefined))
        terminal.out(line)
    if (!run.json) sayNextPage(terminal, page.nextPageToken)
    return exitCodes.ok
  })
}

function novelTable(novels: readonly Novel[], columns: number | undefined): string[] {
  return tableLines(
    novels,
    [
      { title: 'ID', text: ({ id }) => id },
      { title: 'CHAPTERS', text: ({ chapters }) => numberText(chapters), right: true },
      { title: 'SCENES', text: ({ scenes }) => numberText(scenes), right: true },
      { title: 'SUMMARIES', text: ({ summaries }) => numberText(summaries), right: true },
      { title: 'WORDS', text: ({ words }) => numberText(words), right: true },
      { title: 'CREATED', text: ({ createdAt }) => agoText(createdAt) },
      { title: 'TITLE', text: ({ title }) => title },
    ],
    columns,
  )
}

function show(run: Run): Promise<number> {
  return withServer(run, 'quillwork novels show', async ({ client }) => {
    const outline = await findNovel(client, run.arguments[0] ?? '')
    if (run.json) printJson(run, outline)
    else for (const line of outlineLines(outline, run.terminal.columns)) run.terminal.out(line)
    const words = `novels read ${outline.id} --chapters 1`
    if (!run.json) run.terminal.out(`Read the summaries: ${commandText(words, run.configure())}`)
    return exitCodes.ok
  })
}

interface ReadOptions {
  chapters?: string
  text?: boolean
}

function read(run: Run<ReadOptions>): Promise<number> {
  const { options, terminal } = run
  const wanted = options.chapters === undefined ? undefined : new Set(parseChapters(options.chapters))
  return withServer(run, 'quillwork novels read', async ({ client }) => {
    const outline = await findNovel(client, run.arguments[0] ?? '')
    const all = outline.outline.flatMap(({ chapters }) => chapters)
    const chosen = wanted === undefined ? all : all.filter(({ position }) => wanted.has(position))
    if (chosen.length === 0)
      throw new QuillworkError(
        'CHAPTER_NOT_FOUND',
        `The novel has ${all.length} chapters; none of these is one.`,
      )
    for (const { id } of chosen) {
      const chapter = await client.get<Chapter>(`/v1/novels/${outline.id}/chapters/${id}`)
      const scenes = options.text === true ? await readScenes(client, chapter) : undefined
      // One line a chapter: a novel need not fit into one answer.
      if (run.json) printJson(run, scenes === undefined ? chapter : { ...chapter, scenes })
      else for (const line of chapterLines(chapter, scenes)) terminal.out(line)
    }
    return exitCodes.ok
  })
}

async function readScenes(client: Client, { scenes }: Chapter): Promise<Scene[]> {
  const read: Scene[] = []
  for (const { id } of scenes) read.push(await client.get<Scene>(`/v1/scenes/${id}`))
  return read
}

function search(run: Run<{ limit?: string }>): Promise<number> {
  const { options, terminal } = run
  const [novel = '', ...words] = run.arguments
  const limit = parseLimit(options.limit)
  return withServer(run, 'quillwork novels search', async ({ client }) => {
    const { id } = await findNovel(client, novel)
    const q = words.join(' ')
    const answer = await client.get<Answer>(`/v1/novels/${id}/search`, {
      q,
      limit,
    })
    if (run.json) printJson(run, answer)
    else for (const line of hitLines(answer)) terminal.out(line)
    return exitCodes.ok
  })
}

type Note = z.output<typeof historyNoteSchema>
type Entry = z.output<typeof historyEntrySchema>

interface HistoryOptions extends PagingOptions {
  entry?: string
}

/** `quillwork novels history|restore`. */
export function addNovelHistory(novels: Command, register: Register, novelArgument: string): void {
  const sceneArgument = 'chapter and scene as novels read prints them, such as 3.2, or the id of the scene'
  addPaging(
    novels
      .command('history')
      .description(
        'Show what was overwritten of a scene, and what a model made while a person edited it, newest first',
      )
      .argument('<novel>', novelArgument)
      .argument('<scene>', sceneArgument)
      .option('--entry <id>', 'only this one, with its whole text'),
  ).action(register<HistoryOptions>(history))
  novels
    .command('restore')
    .description('Put an entry of the history of a scene in place; what is there goes into the history')
    .argument('<novel>', novelArgument)
    .argument('<scene>', sceneArgument)
    .argument('<entry>', 'id of the entry')
    .action(register(restore))
}

function history(run: Run<HistoryOptions>): Promise<number> {
  const { options, terminal } = run
  const [novel = '', place = ''] = run.arguments
  const paging = pagingQuery(options)
  return withServer(run, 'quillwork novels history', async ({ client }) => {
    const path = `/v1/scenes/${await findSceneId(client, novel, place)}/history`
    if (options.entry !== undefined) {
      const entry = await client.get<Entry>(`${path}/${encodeURIComponent(options.entry)}`)
      if (run.json) printJson(run, entry)
      else for (const line of entryLines(entry)) terminal.out(line)
      return exitCodes.ok
    }
    const page = await client.get<{ items: Note[]; nextPageToken?: string }>(path, paging)
    if (run.json) {
      printJson(run, page)
      return exitCodes.ok
    }
    if (page.items.length === 0) {
      terminal.out('Nothing was overwritten.')
      return exitCodes.ok
    }
    const columns = terminal.isInteractive ? terminal.columns : undefined
    for (const line of historyTable(page.items, columns)) terminal.out(line)
    const words = `novels restore ${JSON.stringify(novel)} ${place} ENTRY`
    terminal.out(`Put one in place: ${commandText(words, run.configure())}`)
    sayNextPage(terminal, page.nextPageToken)
    return exitCodes.ok
  })
}

function restore(run: Run): Promise<number> {
  const [novel = '', place = '', entryId = ''] = run.arguments
  return withServer(run, 'quillwork novels restore', async ({ client }) => {
    const id = await findSceneId(client, novel, place)
    const { version } = await client.get<Scene>(`/v1/scenes/${id}`)
    const scene = await client.post<Scene>(
      `/v1/scenes/${id}:restore`,
      { entryId },
      { 'if-match': `"${version}"` },
    )
    if (run.json) printJson(run, scene)
    else run.terminal.out(`Restored. Scene ${place} is now at version ${scene.version}.`)
    return exitCodes.ok
  })
}
