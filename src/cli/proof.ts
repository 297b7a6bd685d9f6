import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type ClientRequestArgs } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { QuillworkError } from '../index.ts'
import { proofOf } from '../server/data-directory.ts'

/** Longest time that a server may take to prove itself, milliseconds. */
const proofMs = 3_000
/** Longest answer, characters. */
const longestAnswer = 8_192

/** The server of a data directory. */
interface Claimed {
  readonly url: string
  readonly token: string
}

/**
 * The connections to the server of a data directory. Whoever listens at its address has to prove that it has the token, on each connection and before
 * anything else is sent: the server may have been killed, and its port belong to a stranger.
 */
export class ProvenConnections extends Agent {
  readonly #server: Claimed

  /** @param server Where it says that it is, and its token. */
  constructor(server: Claimed) {
    super({ keepAlive: true })
    this.#server = server
  }

  /** Connects, and hands the connection on once the other side has proved itself. */
  override createConnection({ host, port }: ClientRequestArgs, done?: Done): undefined {
    const socket = connect({ host: host ?? '', port: Number(port) })
    prove(socket, this.#server).then(
      () => done?.(null, socket),
      (error: Error) => {
        socket.destroy()
        done?.(error, socket)
      },
    )
  }
}

type Done = (error: Error | null, socket: Duplex) => void

async function prove(socket: Socket, { url, token }: Claimed): Promise<void> {
  const nonce = randomBytes(32).toString('base64url')
  // This name is allowed whatever the setting allowedHosts is.
  const request = `GET /v1/proof?nonce=${nonce} HTTP/1.1\r\nhost: localhost\r\n\r\n`
  const signal = AbortSignal.timeout(proofMs)
  await once(socket, 'connect', { signal })
  socket.write(request)
  const given = Buffer.from(await answerOf(socket, signal))
  const wanted = Buffer.from(JSON.stringify({ proof: proofOf(token, { url, nonce }) }))
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw new QuillworkError(
      'SERVER_UNREACHABLE',
      `The program at ${url} could not prove that it is the server.`,
    )
}

/** Returns the body of the one answer that comes. */
function answerOf(socket: Socket, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const end = (settle: () => void) => {
      socket.off('data', read).off('close', closed).off('error', reject)
      settle()
    }
    const fail = (why: unknown) => end(() => reject(why))
    const closed = () => fail(new Error('The connection ended.'))
    const read = (bytes: Buffer) => {
      text += bytes.toString('latin1')
      const body = bodyOf(text)
      if (body !== undefined) end(() => resolve(body))
      else if (text.length > longestAnswer) fail(new Error('The answer is too long.'))
    }
    socket.on('data', read).on('close', closed).on('error', reject)
    signal.addEventListener('abort', () => fail(signal.reason), { once: true })
  })
}

/** Returns the body of an HTTP response once it is there whole, empty for one that is no success. */
function bodyOf(text: string): string | undefined {
  const [head = '', body] = text.split('\r\n\r\n', 2)
  if (body === undefined) return undefined
  const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1])
  if (!head.startsWith('HTTP/1.1 200 ')) return ''
  return body.length < length ? undefined : body
}
