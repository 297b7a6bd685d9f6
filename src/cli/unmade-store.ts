/** A store that is not there yet: commands that only read do not make it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Client } from './client.ts'

/** The server that a command uses; see `connect`. */
interface Connection {
  readonly client: Client
  readonly isOwn: boolean
  renew(): Promise<Client | undefined>
  close(): Promise<void>
}

/** What the connection to a store that is not there yet is made of. */
interface Unmade {
  /** Connects to an empty store in a folder. */
  readonly empty: (folder: string) => Promise<Connection>
  /** Makes the store, and connects to it. */
  readonly stored: () => Promise<Connection>
  readonly isOwn: boolean
}

/** The requests of commands that have a body and write nothing. */
const readingPosts: readonly string[] = ['/v1/estimates', '/v1/bulk-actions:preview']

/** Returns a connection that reads from an empty store in a temporary folder, until its first request that writes: that one makes the store. */
export function untilWritten({ empty, stored, isOwn }: Unmade): Connection {
  let current: Promise<Connection> | undefined
  let isStored = false

  const read = async () => {
    current ??= inTemporaryFolder(empty)
    return (await current).client
  }
  const write = async () => {
    if (!isStored) {
      isStored = true
      const before = current
      current = closed(before).then(stored)
    }
    return read()
  }
  const client: Client = {
    url: '',
    get: async (...given) => (await read()).get(...given),
    download: async (...given) => (await read()).download(...given),
    async *events(...given) {
      yield* (await read()).events(...given)
    },
    post: async (at, ...given) => (await (readingPosts.includes(at) ? read() : write())).post(at, ...given),
    put: async (...given) => (await write()).put(...given),
    patch: async (...given) => (await write()).patch(...given),
    remove: async (...given) => (await write()).remove(...given),
    upload: async (...given) => (await write()).upload(...given),
  }
  return {
    client,
    isOwn,
    renew: async () => (isStored ? (await current)?.renew() : undefined),
    close: () => closed(current),
  }
}

async function closed(connection: Promise<Connection> | undefined): Promise<void> {
  // One that could not be made has nothing to close.
  const made = await connection?.catch(() => undefined)
  await made?.close()
}

async function inTemporaryFolder(connect: Unmade['empty']): Promise<Connection> {
  const folder = await mkdtemp(path.join(tmpdir(), 'quillwork-empty-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const connection = await connect(folder)
    return { ...connection, close: () => connection.close().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}
