import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came. */
export interface Received {
  headers: IncomingHttpHeaders
  body: string
}

/** How a receiver answers one request. */
export type Reply = (response: ServerResponse) => void

/** A receiver of webhooks on a port of this machine. What has no reply of its own is answered 204. */
export interface Receiver extends AsyncDisposable {
  readonly url: string
  readonly received: Received[]
  /** The replies to come, in order. */
  readonly replies: Reply[]
}

export async function startReceiver(...replies: Reply[]): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    received.push({ headers: request.headers, body })
    const reply = replies.shift() ?? status(204)
    reply(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    replies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Answers a status, with headers. */
export function status(code: number, headers: Record<string, string> = {}): Reply {
  return response => void response.writeHead(code, headers).end()
}

/** Verifies as a receiver does, by the specification alone. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const wanted = createHmac('sha256', key).update(text).digest()
  return String(headers['webhook-signature'])
    .split(' ')
    .filter(each => each.startsWith('v1,'))
    .map(each => Buffer.from(each.slice(3), 'base64'))
    .some(each => each.length === wanted.length && timingSafeEqual(each, wanted))
}
