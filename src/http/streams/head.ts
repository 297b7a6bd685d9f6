import type { FastifyReply, FastifyRequest } from 'fastify'

/** Takes the response from the framework and writes the head of a stream of server-sent events. */
export function beginStream(request: FastifyRequest, reply: FastifyReply): void {
  const kept = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
  reply.hijack()
  request.raw.socket.setNoDelay(true)
  reply.raw.writeHead(200, {
    ...(Object.fromEntries(kept) as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
}
