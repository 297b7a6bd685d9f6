import { z } from 'zod'
import { backupsOf } from '../../store/store.ts'
import { attachment } from '../file-headers.ts'
import { routesOf } from '../route.ts'

const { get } = routesOf('server')

/** A copy of all that the server has. */
export const backupRoutes = [
  get('/v1/backup', {
    summary: 'Download a copy of the database of a server on one machine, made while it works',
    description:
      'A file of SQLite, which `quillwork restore` puts back: all tasks, novels, settings and API keys, of the moment when the copy was done. The server sends it once it is whole; until then it ' +
      'needs as much space beside its database. Uploads and exports that are files, and the keys of models in the data directory, are not in it.',
    needs: 'administer',
    // The file has every text.
    config: { audits: 'all' },
    sends: {
      200: {
        description: 'The file',
        content: { 'application/vnd.sqlite3': { schema: z.unknown() } },
      },
    },
    refuses: ['BACKUP_UNSUPPORTED', 'FILE_UNWRITABLE', 'STORE_FULL', 'STORE_FAILED'],
    exposeHeadRoute: false,
    handle: async ({ engine, settings, log }, _request, reply) => {
      const { bytes, content } = await backupsOf(engine.store).read()
      reply.headers({
        'content-type': 'application/vnd.sqlite3',
        'content-length': bytes,
        'content-disposition': attachment('quillwork.db'),
      })
      // A reader that takes nothing for that long loses the connection, and one that goes away ends the reading.
      reply.raw.setTimeout(settings.bodyTimeoutMs, () => reply.raw.destroy())
      content.once('error', error => log.warn({ err: error }, 'download of a backup failed'))
      return reply.send(content)
    },
  }),
]
