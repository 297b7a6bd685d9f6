/** One installation of the distributed composition for one test: a database and broker names of its own, and any number of engines. */
import amqp from 'amqplib'
import type { MongoClient } from 'mongodb'
import { rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { type AnyTask, createEngine, type Engine, type EngineOptions } from '../../src/index.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { defined } from '../../src/task/defined.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'
import { describeWithRabbit, freshPrefix } from '../servers/rabbit.ts'

/** `describe` for tests that need both servers. */
export function describeDistributed(title: string, tests: () => void): void {
  describeWithMongo(title, () => describeWithRabbit('on RabbitMQ and MongoDB', tests))
}

/** What of an engine a test sets. */
export type ProcessOptions = Omit<EngineOptions, 'store' | 'broker'> & {
  tasks: readonly AnyTask[]
  /** Whether it runs tasks at once; default true. A client does not. */
  start?: boolean
  /** The client of the program that submits within its own transactions. */
  client?: MongoClient
  /** Milliseconds until a delivery is handed over. */
  holdMs?: number
  /** The broker as another account reaches it. */
  brokerUrl?: string
  /** Secrets of its messages. */
  secret?: string | readonly string[]
}

/** Several engines, each as a process of its own would be, on one database and one broker. */
export interface Installation extends AsyncDisposable {
  readonly prefix: string
  readonly databaseUrl: string
  readonly brokerUrl: string
  engine(options: ProcessOptions): Promise<Engine>
  /** A plain connection to the broker, for what an engine would never do. */
  channel(): Promise<amqp.ConfirmChannel>
}

/** Short times: what takes half a minute in production takes a second here. */
const times = { lease: '3s', sweepInterval: '300ms', grace: '200ms', abortGrace: '500ms' } as const

/** Makes an installation; `await using` stops its engines and deletes what they left. `lanes`: those that it has besides the default one. */
export function installation(where: { broker?: string; lanes?: readonly string[] } = {}): Installation {
  const database = freshDatabase()
  const names = freshPrefix(where.lanes)
  const brokerUrl = where.broker ?? names.url
  const engines: Engine[] = []
  const connections: amqp.ChannelModel[] = []
  return {
    prefix: names.prefix,
    databaseUrl: database.url,
    brokerUrl,
    async engine({ start = true, holdMs, secret, client, brokerUrl: url = brokerUrl, ...options }) {
      const engine = (await createEngine({
        times,
        ...options,
        store: mongodb({
          ...(client === undefined ? { url: database.url } : { client, database: database.name }),
          ...defined({ now: options.clock?.now }),
        }),
        broker: rabbitmq({
          url,
          prefix: names.prefix,
          ...defined({ holdMs, secret }),
        }),
      } as unknown as Parameters<typeof createEngine>[0])) as Engine
      engines.push(engine)
      if (start) await engine.start()
      return engine
    },
    async channel() {
      const connection = await amqp.connect(brokerUrl)
      connections.push(connection)
      return connection.createConfirmChannel()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(engines.map(engine => engine.stop({ grace: 0 })))
      await Promise.all(connections.map(connection => connection.close()))
      if (where.broker === undefined) await names.deleteAll()
      await database.drop()
    },
  }
}
