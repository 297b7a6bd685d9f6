import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** What stands before a model server and can keep its callers waiting. */
export interface HeldModel extends AsyncDisposable {
  /** Base URL for a client. */
  readonly url: string
  /** Calls from now on wait until they are released; `asked` resolves when the first one is here. */
  hold(): { readonly asked: Promise<void>; release(): void }
}

/** Stands before the model server at a base URL. */
export async function holdModel(target: string): Promise<HeldModel> {
  let gate: { opened: Promise<void>; onAsked: () => void } | undefined
  const server = createServer(
    (request, response) => void serve(request, response).catch(() => response.destroy()),
  )

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const held = gate
    held?.onAsked()
    await held?.opened
    const { method = 'POST', url = '/', headers } = request
    const answer = await fetch(`${new URL(target).origin}${url}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: headers.authorization ?? '' },
      body: Buffer.concat(parts),
    })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
    for await (const part of answer.body ?? []) response.write(part)
    response.end()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}${new URL(target).pathname}`,
    hold() {
      const asked = signal()
      const opened = signal()
      gate = { opened: opened.came, onAsked: asked.give }
      return {
        asked: asked.came,
        release() {
          gate = undefined
          opened.give()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Something that comes once. */
function signal(): { came: Promise<void>; give(): void } {
  let give = () => {}
  const came = new Promise<void>(resolve => {
    give = resolve
  })
  return { came, give: () => give() }
}
