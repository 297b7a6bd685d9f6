import { beforeAll } from 'vitest'
import { requireBuilt } from '../process/crash/built.ts'
import { describeWithMongo, freshDatabase, mongoUrl } from '../servers/mongo.ts'
import { describeWithRabbit, freshPrefix, rabbitUrl } from '../servers/rabbit.ts'
import { type Servers, System } from './system.ts'

/** `describe` for rows: they need both servers and the built package. */
export function describeRows(title: string, rows: () => void): void {
  describeWithMongo(title, () => {
    describeWithRabbit('on both servers', () => {
      beforeAll(requireBuilt, 300_000)
      rows()
    })
  })
}

/**
 * Runs a row on the shared servers, with a database and names of its own. A row that breaks a server gives the address of one of its
 * own, or of a proxy, instead.
 */
export async function onServers(
  test: (system: System, servers: Required<Servers>) => Promise<void>,
  own: Partial<Servers> = {},
): Promise<void> {
  await using database = freshDatabase(own.mongoUrl ?? mongoUrl())
  await using names = freshPrefix([], own.rabbitUrl ?? rabbitUrl())
  const servers = { mongoUrl: database.url, rabbitUrl: names.url, prefix: names.prefix }
  await using system = new System(servers)
  await test(system, servers)
}
