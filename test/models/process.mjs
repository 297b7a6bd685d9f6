// A child program: the scripted model server in a process of its own, which outlives those who ask it. Its options come as JSON.
import { register } from 'node:module'
import { endWithParent, optionsOf, say } from '../process/crash/program.mjs'

register('../../bench/distributed/typescript.mjs', import.meta.url)
const { startModelServer } = await import('./server.ts')

endWithParent()
const { port, ...options } = optionsOf()
const server = await startModelServer(options, port)
say('started', { url: server.url, port: server.port })
