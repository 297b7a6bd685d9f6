import type { Command } from 'commander'
import type { z } from 'zod'
import type { sceneSchema } from '../../http/schemas/novel.ts'
import type { historyEntrySchema, historyNoteSchema } from '../../http/schemas/provenance.ts'
import { exitCodes } from '../exit-codes.ts'
import { findSceneId } from '../find-novel.ts'
import { commandText } from '../hints.ts'
import { entryLines, historyTable } from '../history-lines.ts'
import { addPaging, type PagingOptions, pagingQuery, sayNextPage } from '../paging.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'

type Scene = z.output<typeof sceneSchema>
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
