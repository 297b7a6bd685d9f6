import type { Command } from 'commander'
import type { z } from 'zod'
import type { binnedNovelSchema, novelSchema } from '../../http/schemas/novel.ts'
import type { binEntrySchema, chapterPlaceSchema } from '../../http/schemas/shape.ts'
import { defined } from '../../task/defined.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findChapterId, findNovel, findSceneId } from '../find-novel.ts'
import { ask, type Register, type Run } from '../run.ts'
import { tableLines } from '../text.ts'
import { agoText, countOf, numberText } from '../words.ts'

type Novel = z.output<typeof novelSchema>
type ChapterPlace = z.output<typeof chapterPlaceSchema>
type BinEntry = z.output<typeof binEntrySchema>
type BinnedNovel = z.output<typeof binnedNovelSchema>
type Binned = Pick<BinEntry & BinnedNovel, 'binnedAt' | 'scenes' | 'words' | 'title'>

interface Names {
  author?: string
  language?: string
}

const chapterArgument = 'number of the chapter, from 1 over the whole novel'

/** Adds `quillwork novels begin|rename|add-chapter|rename-chapter|move-chapter|remove|bin|put-back`. */
export function addNovelShape(novels: Command, register: Register, novelArgument: string): void {
  const on = (name: string, description: string) =>
    novels.command(name).description(description).argument('<novel>', novelArgument)
  const named = (command: Command) =>
    command.option('--author <name>', 'who writes it').option('--language <tag>', 'its language, such as en')
  named(
    novels
      .command('begin')
      .description('Begin a novel: one chapter with one empty scene')
      .argument('<title>'),
  ).action(register(begin))
  named(on('rename', 'Change the title of a novel, its author or its language').argument('[title]')).action(
    register(rename),
  )
  on('add-chapter', 'Add a chapter to a novel, without scenes')
    .argument('[title]')
    .option('--before <chapter>', 'the chapter that is to follow it; default: it is the last one')
    .action(register(addChapter))
  on('rename-chapter', 'Change the title of a chapter')
    .argument('<chapter>', chapterArgument)
    .argument('<title>')
    .action(register(renameChapter))
  on('move-chapter', 'Move a chapter with its scenes')
    .argument('<chapter>', chapterArgument)
    .option('--before <chapter>', 'the chapter that is to follow it; default: it is the last one')
    .action(register(moveChapter))
  on('remove', 'Put a chapter or a scene into the bin, where it is for 30 days')
    .argument('<place>', 'a chapter such as 3, or a scene such as 3.2')
    .action(register(removeUnit))
  novels
    .command('bin')
    .description('Show what is in the bin of a novel, or the novels that are in the bin, the newest first')
    .argument('[novel]', novelArgument)
    .action(register(listBin))
  novels
    .command('put-back')
    .description('Put something of a novel back from its bin, or a novel that is in the bin')
    .argument('<novel>', 'id or a part of the title; of a novel in the bin its id')
    .argument('[entry]', 'see novels bin')
    .action(register(putBack))
}

function begin(run: Run<Names>) {
  const [title = ''] = run.arguments
  const made = (client: Client) => client.post<Novel>('/v1/novels', { title, ...namesOf(run.options) })
  return ask(run, made, ({ id }) => [`The novel is ${id}.`])
}

function rename(run: Run<Names>) {
  const [novel = '', title] = run.arguments
  const names = { ...defined({ title }), ...namesOf(run.options) }
  const renamed = async (client: Client) =>
    client.patch<Novel>(`/v1/novels/${(await findNovel(client, novel)).id}`, names)
  return ask(run, renamed, ({ title: now }) => [`The novel is called ${now}.`])
}

function namesOf({ author, language }: Names) {
  return defined({ author, language })
}

function numberOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw usageError(`${JSON.stringify(text)} is not the number of a chapter. Give one from 1, such as 3.`)
}

interface Before {
  before?: string
}

function addChapter(run: Run<Before>) {
  const [novel = '', title = ''] = run.arguments
  const { before } = run.options
  const added = async (client: Client) => {
    const found = await findNovel(client, novel)
    const place = before === undefined ? {} : { before: findChapterId(found, numberOf(before)) }
    return client.post<ChapterPlace>(`/v1/novels/${found.id}/chapters`, { title, ...place })
  }
  return ask(run, added, ({ position, id }) => [`Chapter ${position + 1} is ${id}.`])
}

/** Asks something of a chapter that was given by its number. */
function ofChapter(
  run: Run,
  act: (client: Client, path: string, novel: Awaited<ReturnType<typeof findNovel>>) => Promise<ChapterPlace>,
) {
  const [novel = '', number = ''] = run.arguments
  const acted = async (client: Client) => {
    const found = await findNovel(client, novel)
    const id = findChapterId(found, numberOf(number))
    return act(client, `/v1/novels/${found.id}/chapters/${id}`, found)
  }
  return ask(run, acted, ({ position, title }) => [
    `Chapter ${position + 1}${title === '' ? '' : `: ${title}`}, as it is now.`,
  ])
}

function renameChapter(run: Run) {
  const [, , title = ''] = run.arguments
  return ofChapter(run, (client, path) => client.patch<ChapterPlace>(path, { title }))
}

function moveChapter(run: Run<Before>) {
  const { before } = run.options
  return ofChapter(run, (client, path, novel) => {
    const place = before === undefined ? {} : { before: findChapterId(novel, numberOf(before)) }
    return client.post<ChapterPlace>(`${path}:move`, place)
  })
}

function removeUnit(run: Run) {
  const [novel = '', place = ''] = run.arguments
  const removed = async (client: Client) => {
    const found = await findNovel(client, novel)
    const isChapter = /^\d{1,6}$/.test(place)
    const path = isChapter
      ? `/v1/novels/${found.id}/chapters/${findChapterId(found, Number(place))}`
      : `/v1/scenes/${await findSceneId(client, found.id, place)}`
    return client.remove<BinEntry>(path)
  }
  return ask(run, removed, ({ id, scenes, words }) => [
    `In the bin as ${id}: ${countOf(scenes, 'scene')}, ${countOf(words, 'word')}.`,
  ])
}

async function binOf(client: Client, { arguments: [novel = ''] }: Run): Promise<string> {
  return `/v1/novels/${(await findNovel(client, novel)).id}/bin`
}

function listBin(run: Run) {
  if (run.arguments[0] === undefined) {
    const novels = (client: Client) => client.get<{ items: BinnedNovel[] }>('/v1/bin')
    return ask(run, novels, ({ items }) =>
      items.length === 0 ? ['The bin is empty.'] : tableLines(items, novelColumns, run.terminal.columns),
    )
  }
  const listed = async (client: Client) => client.get<{ items: BinEntry[] }>(await binOf(client, run))
  return ask(run, listed, ({ items }) =>
    items.length === 0 ? ['The bin is empty.'] : tableLines(items, columns, run.terminal.columns),
  )
}

/** Columns of what is in a bin. */
const common = [
  { title: 'DELETED', text: ({ binnedAt }: Binned) => agoText(binnedAt) },
  { title: 'SCENES', text: ({ scenes }: Binned) => numberText(scenes), right: true },
  { title: 'WORDS', text: ({ words }: Binned) => numberText(words), right: true },
  { title: 'TITLE', text: ({ title }: Binned) => title },
]

const columns = [
  { title: 'ENTRY', text: ({ id }: BinEntry) => id },
  { title: 'WHAT', text: ({ what }: BinEntry) => what },
  ...common,
]

const novelColumns = [{ title: 'NOVEL', text: ({ id }: BinnedNovel) => id }, ...common]

function putBack(run: Run) {
  const [novelId = '', entry] = run.arguments
  if (entry === undefined) {
    const novel = (client: Client) => client.post<Novel>(`/v1/bin/${encodeURIComponent(novelId)}:restore`)
    return ask(run, novel, ({ title, scenes }) => [`Put back: ${title} with ${countOf(scenes, 'scene')}.`])
  }
  const restored = async (client: Client) =>
    client.post<BinEntry>(`${await binOf(client, run)}/${encodeURIComponent(entry)}:restore`)
  return ask(run, restored, ({ what, scenes }) => [`Put back: a ${what} with ${countOf(scenes, 'scene')}.`])
}
