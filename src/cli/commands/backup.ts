import path from 'node:path'
import type { Command } from 'commander'
import { compositionOf } from '../../server/combinations.ts'
import { timeInName } from '../../server/data-directory.ts'
import { isLocked, lockedError } from '../connect.ts'
import { usageError } from '../exit-codes.ts'
import { requireFree, save } from '../export-file.ts'
import { nextCommand, print, type Register, type Run, withSession } from '../run.ts'

/** Adds `quillwork backup` and `quillwork restore`. */
export function addBackup(program: Command, register: Register): void {
  program
    .command('backup')
    .description(
      'Copy the database of one machine into a file, while its server works. Uploads and exports that are files, and keys in the data directory, are not in it',
    )
    .argument('[file]', 'the file; default: quillwork and the time, in this folder')
    .option('--force', 'overwrite the file where it is there')
    .action(register(backUp))
  program
    .command('restore')
    .description('Make a backup the database of the data directory. Stop its server first')
    .argument('<file>', 'what quillwork backup wrote')
    .option('--replace', 'in place of a database that is there, which is kept under another name')
    .action(register(restoreFile))
}

function backUp(run: Run<{ force?: boolean }>) {
  const [file = `quillwork-${timeInName(new Date())}.db`] = run.arguments
  requireFree(file, run.options)
  // A command that only copies runs nothing that waits.
  return withSession(
    run,
    async session => {
      await save(session, '/v1/backup', { file, options: run.options })
      print(run, { file: path.resolve(file) }, () => [`Wrote ${file}.`])
    },
    { works: false },
  )
}

async function restoreFile(run: Run<{ replace?: boolean }>): Promise<void> {
  const { config } = run.configure()
  if (config.url !== undefined)
    throw usageError('restore works on the data directory of this machine; leave --url out.')
  const composition = compositionOf(config)
  if (composition.kind !== 'embedded')
    throw usageError('The store is MongoDB, which is restored by its own tools: mongorestore --oplogReplay.')
  const [backup = ''] = run.arguments
  const { restore } = await import('../../server/restore.ts')
  const replaces = run.options.replace === true
  const { kept } = await restore(backup, composition.file, { replaces }).catch(error => {
    throw isLocked(error) ? lockedError(config) : error
  })
  print(run, { database: composition.file, kept }, () => [
    `Restored ${composition.file} from ${backup}.`,
    ...(kept === undefined ? [] : [`The database of before is ${kept}.`]),
    'What was done after the backup is not in it: tasks that ended since then run again, and what they call is paid again.',
    `Start the server when that is right: ${nextCommand(run, 'serve')}`,
  ])
}
