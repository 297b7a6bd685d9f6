/**
 * An OpenAI-compatible server that answers as scripted and keeps a ledger of every request. Without a script it answers each prompt
 * with a text that is derived from it: two runs that ask the same get the same.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Call, Ledger } from './ledger.ts'
import { Account, type RealLimit } from './limits.ts'
import { reply } from './reply.ts'
import { type Answer, type Asked, type Rule, Script } from './script.ts'
import { hashOf, textFor, tokensOf, vectorFor } from './texts.ts'

/** What the server insists on. */
export interface ModelServerOptions {
  /** Keys that it knows; default all. */
  readonly keys?: readonly string[]
  /** Models that it knows; default all. */
  readonly models?: readonly string[]
  /** Longest prompt in tokens; default without bound. */
  readonly contextTokens?: number
  /** What it allows to each key and model. Who overruns it gets a 429, and the ledger a violation. */
  readonly limit?: RealLimit
  /** Limits of single keys; they stand for `limit`. */
  readonly limits?: Readonly<Record<string, RealLimit>>
  /** Length of its vectors; default 64. */
  readonly dimensions?: number
  /** What the list of its models says of each beside its id. */
  readonly about?: object
  /** What it answers at `/props`; default nothing. */
  readonly props?: object
  /** What is answered without a rule; default at once. */
  readonly pace?: { readonly firstMs?: number; readonly chunkMs?: number }
}

/** A running server. `await using` closes it, with all its connections. */
export interface ModelServer extends AsyncDisposable {
  /** Base URL for a client, such as `http://127.0.0.1:1234/v1`. */
  readonly url: string
  readonly port: number
  /** Rules are tried in the order in which they were added. */
  readonly script: Script
  readonly ledger: Ledger
  close(): Promise<void>
}

/** Starts a server on a free port of 127.0.0.1, or on the one that is given. */
export async function startModelServer(options: ModelServerOptions = {}, port = 0): Promise<ModelServer> {
  const calls: Call[] = []
  const script = new Script()
  const desk = new Desk(options, script, calls)
  // An idle connection that is ended just when a late client uses it again would look like an answer that was cut.
  const server = createServer(
    { keepAliveTimeout: 0 },
    (request, response) => void desk.serve(request, response),
  )
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  // A test that forgets it ends all the same.
  server.unref()
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return {
    url: `http://127.0.0.1:${bound}/v1`,
    port: bound,
    script,
    ledger: new Ledger(calls),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What a request says, as far as the server cares. */
interface Body {
  model?: string
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  messages?: readonly { role: string; content: unknown }[]
  input?: string | readonly string[]
}

class Desk {
  readonly #options: ModelServerOptions
  readonly #script: Script
  readonly #calls: Call[]
  readonly #accounts = new Map<string, Account>()
  readonly #asked = new Map<string, number>()
  /** Texts that were begun. */
  readonly #texts: string[] = []

  constructor(options: ModelServerOptions, script: Script, calls: Call[]) {
    this.#options = options
    this.#script = script
    this.#calls = calls
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response)
    } catch (error) {
      // A client that went away; whatever else it is must not pass unseen.
      if (!response.destroyed) response.writeHead(500).end(String(error))
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0]?.replace(/^\/v1\b/u, '')
    if (path === '/models') return send(response, { object: 'list', data: this.#models() })
    if (path === '/props' && this.#options.props !== undefined) return send(response, this.#options.props)
    if (path === '/control/ledger') return send(response, this.#calls)
    const body = await bodyOf(request)
    if (path === '/control/rules') {
      this.#script.add(...(body as unknown as Rule[]))
      return send(response, {})
    }
    if (path !== '/chat/completions' && path !== '/embeddings') return void response.writeHead(404).end()
    await this.#answer({ request, response, body, route: path === '/embeddings' ? 'embeddings' : 'chat' })
  }

  #models() {
    return (this.#options.models ?? ['scripted']).map(id => ({
      id,
      object: 'model',
      owned_by: 'tests',
      ...this.#options.about,
    }))
  }

  async #answer({
    request,
    response,
    body,
    route,
  }: {
    request: IncomingMessage
    response: ServerResponse
    body: Body
    route: Call['route']
  }): Promise<void> {
    const asked = this.#read(request, body)
    const inputTokens = tokensOf(asked.prompt)
    const startedAt = Date.now()
    const chosen = this.#choose(asked, inputTokens)
    const account = this.#accountOf(asked)
    const text = chosen.is === 'text' && chosen.text !== undefined ? chosen.text : this.#textFor(asked.prompt)
    this.#texts.push(text)
    const outputTokens = chosen.is === 'text' ? tokensOf(text) : 0
    const overrun = chosen.is === 'text' ? account?.begin(startedAt, inputTokens + outputTokens) : undefined
    const answer: Answer =
      overrun === undefined
        ? chosen
        : { is: 'rate-limited', retryAfter: Math.ceil(overrun.retryAfterMs / 1_000) }
    const call: Call = {
      id: this.#calls.length + 1,
      route,
      startedAt,
      ...asked,
      inputTokens,
      outputTokens: 0,
      answered: answer.is,
      status: 200,
      text: '',
      whole: false,
      closedByClient: false,
      ...retryAfterOf(answer, startedAt),
      ...(overrun === undefined ? {} : { violation: overrun.limit }),
    }
    this.#calls.push(call)
    const gone = new AbortController()
    response.once('close', () => {
      call.endedAt = Date.now()
      call.closedByClient = !response.writableFinished && !response.errored && !isCut(answer)
      if (chosen.is === 'text' && overrun === undefined) account?.end()
      gone.abort()
    })
    const wantsUsage = body.stream_options?.include_usage === true
    if (route === 'embeddings' && answer.is === 'text') return this.#embed(response, body, call)
    const released = () => this.#script.released()
    await reply({ response, call, answer, text, wantsUsage, gone: gone.signal, released })
  }

  /**
   * The text for a prompt. A scene whose last paragraph broke off goes on with the rest of the text that was begun; to a whole one of one
   * part nothing is added.
   */
  #textFor(prompt: string): string {
    const written =
      [...prompt.matchAll(/<novel-text>\n([\s\S]*?)\n<\/novel-text>/gu)].at(-1)?.[1]?.split('\n\n').at(-1) ??
      ''
    const rests = this.#texts.map(text => (text.startsWith(written) ? text.slice(written.length).trim() : ''))
    const rest = written === '' ? undefined : rests.findLast(text => text !== '')
    const goesOn = prompt.includes('Go on with the scene now.') && !/This is (?:the last )?part/u.test(prompt)
    const isWhole = goesOn && written !== '' && this.#texts.includes(written)
    return rest ?? (isWhole ? '' : textFor(prompt))
  }

  #read(request: IncomingMessage, body: Body): Asked {
    const prompt = promptOf(body)
    const promptHash = hashOf(prompt)
    const before = this.#asked.get(promptHash) ?? 0
    this.#asked.set(promptHash, before + 1)
    return {
      key: (request.headers.authorization ?? '').replace(/^Bearer /u, ''),
      model: body.model ?? '',
      prompt,
      promptHash,
      streamed: body.stream === true,
      before,
    }
  }

  /** What the server insists on comes before what the script says. */
  #choose(asked: Asked, inputTokens: number): Answer {
    const { keys, models, contextTokens = Number.POSITIVE_INFINITY, pace = {} } = this.#options
    if (keys !== undefined && !keys.includes(asked.key)) return { is: 'wrong-key' }
    if (models !== undefined && !models.includes(asked.model)) return { is: 'unknown-model' }
    if (inputTokens > contextTokens) return { is: 'context-exceeded', limit: contextTokens }
    return { ...pace, ...this.#script.answerTo(asked) }
  }

  #accountOf({ key, model }: Asked): Account | undefined {
    const limit = this.#options.limits?.[key] ?? this.#options.limit
    if (limit === undefined) return undefined
    const name = `${key} ${model}`
    const account = this.#accounts.get(name) ?? new Account(limit)
    this.#accounts.set(name, account)
    return account
  }

  #embed(response: ServerResponse, { input = [] }: Body, call: Call): void {
    const texts = typeof input === 'string' ? [input] : input
    const data = texts.map((text, index) => ({
      object: 'embedding',
      index,
      embedding: vectorFor(text, this.#options.dimensions ?? 64),
    }))
    const usage = { prompt_tokens: call.inputTokens, total_tokens: call.inputTokens }
    call.whole = true
    send(response, { object: 'list', model: call.model, data, usage })
  }
}

/** The server breaks these connections itself. */
function isCut({ is }: Answer): boolean {
  return is === 'cut'
}

function retryAfterOf(answer: Answer, now: number): { retryAfterMs: number } | undefined {
  if (answer.is !== 'rate-limited' || answer.retryAfter === undefined) return undefined
  const { retryAfter } = answer
  const ms = typeof retryAfter === 'number' ? retryAfter * 1_000 : Date.parse(retryAfter) - now
  return { retryAfterMs: ms }
}

function promptOf({ messages = [], input = [] }: Body): string {
  const parts = messages.map(({ role, content }) => `${role}: ${contentOf(content)}`)
  return [...parts, ...(typeof input === 'string' ? [input] : input)].join('\n\n')
}

/** A message is a text, or a list of parts. */
function contentOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map(part => (part as { text?: string }).text ?? '').join('')
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return JSON.parse(Buffer.concat(pieces).toString('utf8') || '{}') as Body
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
