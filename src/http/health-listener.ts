import { createServer, type Server } from 'node:http'
import type { FastifyInstance } from 'fastify'

const paths = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * A second listener that answers health and metrics as the app does, and nothing else: for probes on a port of their own, and for
 * processes that answer nothing else. It does not listen; `listen` does. The app must be ready.
 */
export function createHealthListener(app: FastifyInstance): Server {
  return createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (paths.has(path)) app.routing(request, response)
    else response.writeHead(404, { 'content-length': 0 }).end()
  })
}
