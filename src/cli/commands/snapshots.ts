import type { Command } from 'commander'
import type { z } from 'zod'
import type { comparisonSchema, snapshotSchema } from '../../http/schemas/snapshot.ts'
import type { restoreSnapshot } from '../../novel/index.ts'
import type { Out } from '../../task/definition.ts'
import type { Page } from '../../task/page.ts'
import type { Client } from '../client.ts'
import { findNovel, findSceneId } from '../find-novel.ts'
import { type SubmitOptions, submitTask } from '../follow-task.ts'
import { addPaging, type PagingOptions, pagingQuery, printPage } from '../list.ts'
import { ask, type Register, type Run, withServer } from '../run.ts'
import { tableLines } from '../text.ts'
import { agoText, countOf, numberText } from '../words.ts'

type Snapshot = z.output<typeof snapshotSchema>
type Comparison = z.output<typeof comparisonSchema>
type Restored = Out<NonNullable<(typeof restoreSnapshot)['result']>>

const snapshotArgument = 'id of the snapshot; see novels snapshots'

/** Adds `quillwork novels snapshot|snapshots|compare|restore-snapshot|delete-snapshot`. */
export function addSnapshots(novels: Command, register: Register, novelArgument: string): void {
  novels
    .command('snapshot')
    .description('Name the state of a novel, such as "before the rewrite", so that it can be had back')
    .argument('<novel>', novelArgument)
    .argument('<name>')
    .action(register(make))
  addPaging(
    novels
      .command('snapshots')
      .description('Show the named states of a novel, newest first')
      .argument('<novel>', novelArgument),
  ).action(register(list))
  const on = (name: string, description: string) =>
    novels
      .command(name)
      .description(description)
      .argument('<novel>', novelArgument)
      .argument('<snapshot>', snapshotArgument)
  on('compare', 'Show what became of the scenes of a novel since a snapshot').action(register(compare))
  on(
    'restore-snapshot',
    'Give the scenes of a novel the texts of a snapshot. The state before is a snapshot too, and is in the histories of the scenes',
  )
    .argument('[scenes...]', 'only these, such as 3.2')
    .action(register(restore))
  on('delete-snapshot', 'Delete a snapshot; the novel stays as it is').action(register(remove))
}

async function pathOf(client: Client, { arguments: [novel = '', snapshot] }: Run): Promise<string> {
  const path = `/v1/novels/${(await findNovel(client, novel)).id}/snapshots`
  return snapshot === undefined ? path : `${path}/${encodeURIComponent(snapshot)}`
}

function make(run: Run) {
  const [novel = '', name = ''] = run.arguments
  const made = async (client: Client) =>
    client.post<Snapshot>(`/v1/novels/${(await findNovel(client, novel)).id}/snapshots`, { name })
  return ask(run, made, ({ id, scenes }) => [`Snapshot ${id} of ${countOf(scenes, 'scene')}.`])
}

function list(run: Run<PagingOptions>) {
  return withServer(run, async ({ client }) => {
    const page = await client.get<Page<Snapshot>>(await pathOf(client, run), pagingQuery(run.options))
    printPage(run, page, widest =>
      page.items.length === 0 ? ['No snapshots.'] : tableLines(page.items, columns, widest),
    )
  })
}

const columns = [
  { title: 'SNAPSHOT', text: ({ id }: Snapshot) => id },
  { title: 'MADE', text: ({ createdAt }: Snapshot) => agoText(createdAt) },
  { title: 'SCENES', text: ({ scenes }: Snapshot) => numberText(scenes), right: true },
  { title: 'WORDS', text: ({ words }: Snapshot) => numberText(words), right: true },
  {
    title: 'NAME',
    text: ({ name, isBeforeRestoring, isBeforeAppending }: Snapshot) =>
      isBeforeRestoring ? `before restoring ${name}` : isBeforeAppending ? `before adding ${name}` : name,
  },
]

function compare(run: Run) {
  const compared = async (client: Client) => client.get<Comparison>(`${await pathOf(client, run)}/comparison`)
  return ask(run, compared, ({ unchanged, changed, added, deleted, scenes }) => [
    `${numberText(unchanged)} unchanged, ${numberText(changed)} changed, ${numberText(added)} added, ${numberText(deleted)} deleted`,
    ...(scenes.length === 0 ? [] : tableLines(scenes, changes, run.terminal.columns)),
  ])
}

type ChangedScene = Comparison['scenes'][number]

const changes = [
  { title: 'SCENE', text: ({ sceneId }: ChangedScene) => sceneId },
  { title: 'CHANGE', text: ({ change }: ChangedScene) => change },
  { title: 'WORDS THEN', text: ({ wordsThen }: ChangedScene) => numberText(wordsThen), right: true },
  { title: 'NOW', text: ({ wordsNow }: ChangedScene) => numberText(wordsNow), right: true },
  { title: 'TITLE', text: ({ title = '' }: ChangedScene) => title },
]

function restore(run: Run<SubmitOptions>) {
  const [novel = '', snapshotId = '', ...places] = run.arguments
  return submitTask(run, async ({ connection: { client } }) => {
    const { id: novelId } = await findNovel(client, novel)
    const sceneIds: string[] = []
    for (const place of places) sceneIds.push(await findSceneId(client, novelId, place))
    const parameters = { novelId, snapshotId, ...(places.length > 0 && { sceneIds }) }
    return {
      submission: { taskType: 'RestoreSnapshot', parameters },
      shows: 'tree',
      sayEnd(task) {
        const { restored, unchanged, left, beforeId } = task.result as Restored
        run.terminal.out(
          `${countOf(restored, 'scene')} restored, ${numberText(unchanged)} unchanged, ${numberText(left)} left as they were.`,
        )
        run.terminal.note(`The state before is the snapshot ${beforeId}.`)
      },
    }
  })
}

function remove(run: Run) {
  return ask(
    run,
    async client => client.remove(await pathOf(client, run)),
    () => ['The snapshot is deleted.'],
  )
}
