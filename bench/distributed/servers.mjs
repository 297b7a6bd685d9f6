import { register } from 'node:module'
import amqp from 'amqplib'
import { MongoClient } from 'mongodb'

register(new URL('typescript.mjs', import.meta.url))

/** The stand-in's replica set is named after it; a real server's never is. */
const STAND_IN = 'secantus'

/**
 * The two servers of one run: those that `MONGODB_URL` and `RABBITMQ_URL` name, else private ones that end with the run. `pids` are
 * those of the private ones. Rejects with what to install where one is missing.
 */
export async function startServers() {
  const started = []
  const stop = () => Promise.all(started.map(server => server.stop()))
  try {
    const mongoUrl = await given('MONGODB_URL', started, async () => {
      const { privateMongo } = await import('../../test/servers/private-mongo.ts')
      return privateMongo()
    })
    const rabbitUrl = await given('RABBITMQ_URL', started, async () => {
      const { privateRabbit } = await import('../../test/servers/private-rabbit.ts')
      return privateRabbit()
    })
    const described = { mongodb: await describeMongo(mongoUrl), rabbitmq: await describeRabbit(rabbitUrl) }
    return { mongoUrl, rabbitUrl, pids: started.map(server => server.pid), ...described, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function given(variable, started, start) {
  const url = process.env[variable]
  if (url === undefined) {
    const server = await start()
    started.push(server)
    return server.url
  }
  if (/^amqps:|^mongodb\+srv:|[?&](tls|ssl)=true/.test(url))
    throw new Error(`${variable} must be without TLS: commands are counted on the wire.`)
  return url
}

async function describeMongo(url) {
  const client = new MongoClient(url)
  try {
    const admin = client.db('admin')
    const [{ version }, { setName }] = await Promise.all([
      admin.command({ buildInfo: 1 }),
      admin.command({ hello: 1 }),
    ])
    if (setName === STAND_IN) return `a stand-in for MongoDB (SecantusDB), which is not as fast`
    return `MongoDB ${version}`
  } finally {
    await client.close()
  }
}

async function describeRabbit(url) {
  const connection = await amqp.connect(url)
  const { product, version } = connection.connection.serverProperties
  await connection.close()
  return `${product} ${version}`
}
