import type { Command } from 'commander'
import { fileNameOf } from '../../novel/export/file-name.ts'
import { zip } from '../../novel/export/formats.ts'
import type { exportUser } from '../../novel/index.ts'
import type { Out } from '../../task/definition.ts'
import { exportToFile, type FileOptions } from '../export-file.ts'
import { addGroup, type Register, type Run } from '../run.ts'
import { countOf } from '../words.ts'
import { addUserErasure } from './deletion.ts'

const userArgument = 'id of the user; without users of your own it is local'

/** Adds the commands `quillwork users`. */
export function addUsers(program: Command, register: Register): void {
  const users = addGroup(program, 'users', 'Export and delete what a user has')
  users
    .command('export')
    .description(
      'Write all novels, uploads and tasks of a user, and what they have cost, into one ZIP archive; each novel in it can be imported again',
    )
    .argument('<user>', userArgument)
    .option(
      '--out <file>',
      'the file; default: Quillwork and the user, in this folder. - writes to standard output',
    )
    .option('--force', 'overwrite the file where it is there')
    .action(register(exportUserToFile))
  addUserErasure(users, register, userArgument)
}

type Exported = Out<NonNullable<(typeof exportUser)['result']>>

function exportUserToFile(given: Run<FileOptions>) {
  return exportToFile(given, async (_, { terminal, json, arguments: [userId = ''] }) => ({
    submission: { taskType: 'ExportUser', parameters: {}, userId },
    fileName: fileNameOf(`Quillwork ${userId}`, zip.extension),
    countsOf({ result }) {
      const { novels, scenes, words, uploads, tasks, missing } = result as Exported
      if (missing > 0 && !json)
        terminal.note(
          `note: ${countOf(missing, 'novel or upload', 'novels and uploads')} could not be read; manifest.json in the archive says which, and why`,
        )
      const counts = [countOf(novels, 'novel'), countOf(scenes, 'scene'), countOf(words, 'word')]
      return [...counts, countOf(uploads, 'upload'), countOf(tasks, 'task')]
    },
  }))
}
