import type { Db, MongoClient } from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'

/** What of a connection string would weaken the promise of every write. */
const isMajority = (w: unknown): boolean => w === undefined || w === 'majority'

/**
 * What was acknowledged must survive the loss of a server: a replica set, writes acknowledged by a majority of it, with their journal.
 * Throws STORE_UNSUITABLE, with the reason.
 */
export async function requirePromises(client: MongoClient, db: Db): Promise<void> {
  const asked = client.options.writeConcern
  if (!isMajority(asked?.w))
    throw unsuitable(
      `The connection string asks for the write concern w=${String(asked?.w)}; a write that no majority holds can be lost. Leave w out, or give w=majority.`,
    )
  if (asked?.journal === false)
    throw unsuitable('The connection string switches the journal off (journal=false); leave it out.')
  const hello = await db.admin().command({ hello: 1 })
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid')
    throw unsuitable(
      'The server is not a member of a replica set; a set of one server is enough (rs.initiate()).',
    )
}

function unsuitable(message: string): QuillworkError {
  return new QuillworkError('STORE_UNSUITABLE', message)
}
