/**
 * The servers that all tests of one run share, and the programs that they start. This is vitest's global set-up: it runs once, beside the test
 * files, and starts a server when the first test file asks for it. Test files ask over HTTP, because each of them runs in a process of its own.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { privateMongo } from './private-mongo.ts'
import { canConnect, findRabbitScripts, howToGetRabbit, privateRabbit } from './private-rabbit.ts'
import { bundlePrograms } from './programs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the process that knows the shared servers. */
    sharedServers: string
  }
}

/** A server's address (of the programs: their folder), or why there is none and what to do. */
export type SharedServer = { url: string } | { missing: string }

type Started = { url: string; stop?: () => Promise<void> }

const localBroker = 'amqp://guest:guest@127.0.0.1:5672'

const starters: Readonly<Record<string, () => Promise<Started>>> = {
  '/mongo': async () => {
    const given = process.env['MONGODB_URL']
    // Nobody kills it: what must outlive a crash is proven on servers of a test's own.
    return given === undefined ? privateMongo({ durable: false }) : { url: given }
  },
  '/rabbit': async () => {
    const given = process.env['RABBITMQ_URL']
    if (given !== undefined) return { url: given }
    if (await canConnect(localBroker)) return { url: localBroker }
    if (findRabbitScripts() === undefined) throw new Error(`RabbitMQ is not installed. ${howToGetRabbit}.`)
    return privateRabbit()
  },
  '/programs': bundlePrograms,
}

/** Vitest calls this before the first test file, and what it answers after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<Started>>()

  async function answer(asked: string): Promise<SharedServer> {
    const start = starters[asked]
    if (start === undefined) return { missing: `There is no server ${asked}.` }
    const server = started.get(asked) ?? start()
    started.set(asked, server)
    try {
      return { url: (await server).url }
    } catch (error) {
      return { missing: error instanceof Error ? error.message : String(error) }
    }
  }

  const http = createServer((request, response) => {
    answer(request.url ?? '').then(server => response.end(JSON.stringify(server)))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  project.provide('sharedServers', `http://127.0.0.1:${(http.address() as AddressInfo).port}`)

  return async () => {
    http.close()
    http.closeAllConnections()
    const settled = await Promise.allSettled(started.values())
    await Promise.all(
      settled.map(server => (server.status === 'fulfilled' ? server.value.stop?.() : undefined)),
    )
  }
}
