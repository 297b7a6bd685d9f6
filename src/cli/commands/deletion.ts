/** What deletes for good, followed to its end. */
import type { Command } from 'commander'
import type { z } from 'zod'
import type { TaskJson } from '../../http/index.ts'
import type { binnedNovelSchema } from '../../http/schemas/novel.ts'
import type { eraseUser } from '../../novel/index.ts'
import type { Out } from '../../task/definition.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { findNovel } from '../find-novel.ts'
import { followTask } from '../follow-task.ts'
import { ask, askFirst, nextCommand, type Register, type Run, withSession } from '../run.ts'
import { printable } from '../text.ts'
import { countOf } from '../words.ts'

type BinnedNovel = z.output<typeof binnedNovelSchema>

interface DeletionOptions {
  yes?: boolean
  background?: boolean
}

/** Adds `quillwork novels delete`. */
export function addNovelDeletion(novels: Command, register: Register, novelArgument: string): void {
  const command = novels
    .command('delete')
    .description('Put a novel into the bin, where it is for 30 days, and cancel its tasks')
    .argument('<novel>', novelArgument)
    .option(
      '--for-good',
      'delete it, or one that is in the bin, with its summaries, histories, uploads, exports and tasks; what it has cost stays in the usage',
    )
  addOptions(command).action(register(deleteNovel))
}

/** Adds `quillwork users erase`. */
export function addUserErasure(users: Command, register: Register, userArgument: string): void {
  const command = users
    .command('erase')
    .description(
      'Delete for good all novels, uploads, exports and tasks of a user; users export takes them along first. What they have cost stays in the usage',
    )
    .argument('<user>', userArgument)
  addOptions(command).action(register(erase))
}

function addOptions(command: Command): Command {
  return command
    .option('--yes', 'do not ask')
    .option('--background', 'do not wait until everything is deleted')
}

/** What is to be deleted. */
interface Deletion {
  question: string
  /** Submits the task that deletes. */
  begin(): Promise<TaskJson>
}

function deleteNovel(run: Run<DeletionOptions & { forGood?: boolean }>) {
  const [wanted = ''] = run.arguments
  if (run.options.forGood === true) return deleteForGood(run, wanted)
  const binned = async (client: Client) =>
    client.remove<BinnedNovel>(`/v1/novels/${(await findNovel(client, wanted)).id}`)
  return ask(run, binned, ({ id, title, scenes, words }) => [
    `In the bin: ${printable(title)}, ${countOf(scenes, 'scene')}, ${countOf(words, 'word')}.`,
    `To put it back: ${nextCommand(run, `novels put-back ${id}`)}`,
  ])
}

function deleteForGood(run: Run<DeletionOptions>, wanted: string) {
  return follow(run, async client => {
    const { items } = await client.get<{ items: BinnedNovel[] }>('/v1/bin')
    const binned = items.find(({ id }) => id === wanted)
    const { id, title, scenes, words } = binned ?? (await findNovel(client, wanted))
    const sizes = `${countOf(scenes, 'scene')} and ${countOf(words, 'word')}`
    return {
      question: `Delete “${printable(title)}” for good, with ${sizes}, and all tasks on it? This cannot be undone.`,
      async begin() {
        if (binned === undefined) await client.remove<BinnedNovel>(`/v1/novels/${id}`)
        return client.remove<TaskJson>(`/v1/bin/${id}`)
      },
    }
  })
}

function erase(run: Run<DeletionOptions>) {
  const [user = ''] = run.arguments
  return follow(run, async client => ({
    question: `Delete all novels, uploads, exports and tasks of the user ${JSON.stringify(user)} for good? This cannot be undone.`,
    begin: () => client.post<TaskJson>(`/v1/users/${encodeURIComponent(user)}:erase`),
  }))
}

function follow(run: Run<DeletionOptions>, find: (client: Client) => Promise<Deletion>) {
  return withSession(run, async session => {
    const { question, begin } = await find(session.connection.client)
    if (!(await askFirst(run, { question, nothing: 'Nothing was deleted' }))) return exitCodes.failed
    const task = await begin()
    return followTask(run, session, {
      task,
      detached: run.options.background === true,
      shows: 'nothing',
      sayEnd: ended => sayDeleted(run, ended),
    })
  })
}

type Deleted = Omit<Out<(typeof eraseUser)['result']>, 'novels'> & { novels?: number }

function sayDeleted({ terminal }: Run, { result }: TaskJson): void {
  const { novels, chapters, scenes, words, uploads, exports, tasks } = result as Deleted
  const counts = [
    ...(novels === undefined ? [] : [countOf(novels, 'novel')]),
    countOf(chapters, 'chapter'),
    countOf(scenes, 'scene'),
    countOf(words, 'word'),
    countOf(uploads, 'upload'),
    ...(exports > 0 ? [countOf(exports, 'export')] : []),
    countOf(tasks, 'task'),
  ]
  terminal.out(`Deleted: ${counts.join(', ')}.`)
}
