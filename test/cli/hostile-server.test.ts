import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import type { Command } from 'commander'
import fc from 'fast-check'
import { errorCatalogue } from 'quillwork'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { createProgram } from '../../src/cli/program.ts'
import { createTerminal } from '../../src/cli/terminal.ts'
import type { OpenApi, Operation } from '../http/api.ts'
import { serveNovels } from '../http/novel-api.ts'

/** Part of a JSON Schema of the API. */
interface Schema {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  format?: string
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
}

/** C0 and C1 controls, line ends, and what changes the direction of a line. */
const control = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u
/** What commands a terminal: a text that goes to a file or a pipe keeps all others. */
const commanding = /[^\P{Cc}\f\r]/u
const forged = 'error FORGED: pay here'
const pieces = [
  ...[
    '\u001b[2J',
    '\u001b]0;title\u0007',
    '\u009b31m',
    '\u0000',
    '\b\b\b',
    '\r',
    '\n',
    '\t',
    '\u0085',
    '\u2028',
  ],
  ...[
    '\u202e',
    '\u2066',
    '\u200f',
    '\u061c',
    '\u007f',
    `\n${forged}\n`,
    'words',
    ' ',
    '中文',
    '-',
    'a/b',
    '%s',
  ],
]
const choices = fc.infiniteStream(fc.nat(1_000_000))

let directory: string
let server: Server
let document: OpenApi
/** What the server answers to each request. */
let answer: RequestListener

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'quillwork-hostile-'))
  writeFileSync(join(directory, 'book.txt'), 'Chapter 1\n\nOnce upon a time.\n')
  const api = await serveNovels()
  document = (await api.ask<OpenApi>('/v1/openapi.json')).body
  await api[Symbol.asyncDispose]()
  server = createServer((request, response) => answer(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  rmSync(directory, { recursive: true })
})

/** Makes whatever a server can say, in the form of the API. */
function speaker(next: () => number) {
  const one = <T>(list: readonly T[]): T => list[next() % list.length] as T
  const text = () => Array.from({ length: 1 + (next() % 5) }, () => one(pieces)).join('')
  function value(schema: Schema, name = ''): unknown {
    if (schema.$ref !== undefined) {
      const own = document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema
      return value(own, name)
    }
    const options = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== 'null')
    if (options !== undefined) return value(one(options), name)
    if (schema.allOf !== undefined)
      return Object.assign({}, ...schema.allOf.map(each => value(each, name))) as object
    if (schema.const !== undefined) return schema.const
    if (name === 'status') return one(['COMPLETED', 'FAILED', text()])
    if (schema.enum !== undefined) return one([...schema.enum, text()])
    const type = [schema.type].flat().find(each => each !== 'null')
    if (type === 'boolean') return name === 'done' || next() % 2 === 0
    if (type === 'integer' || type === 'number') return name === 'position' ? 0 : next() % 7
    if (type === 'array')
      return Array.from({ length: 1 + (next() % 2) }, () => value(schema.items ?? {}, name))
    if (type === 'string')
      return schema.format === 'date-time' && next() % 2 === 0 ? '2026-03-01T00:00:00Z' : text()
    return record(schema)
  }
  function record({ properties = {}, additionalProperties }: Schema): object {
    const made = Object.entries(properties)
      // A listing ends at some time.
      .filter(([name]) => name !== 'nextPageToken' || next() % 4 === 0)
      .map(([name, each]): [string, unknown] => [name, value(each, name)])
    const further = typeof additionalProperties === 'object' ? additionalProperties : { type: 'string' }
    return Object.fromEntries([...made, ...(made.length === 0 ? [[text(), value(further)]] : [])])
  }
  return { one, text, value }
}

function operationOf(method: string, path: string): Operation | undefined {
  for (const [form, methods] of Object.entries(document.paths)) {
    const pattern = form.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/:]+')
    if (new RegExp(`^${pattern}$`).test(path)) return methods[method.toLowerCase()]
  }
  return undefined
}

function hostileServer(next: () => number): RequestListener {
  const { one, text, value } = speaker(next)
  return (request, response) => {
    request.resume()
    const { pathname } = new URL(request.url ?? '', 'http://a')
    const say = (status: number, body: string, type = 'application/json') =>
      response.writeHead(status, { 'content-type': type }).end(body)
    if (request.headers.accept === 'text/event-stream') {
      const event = (name: string, data: object) => `id: 1\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
      const end = event('end', { status: one(['COMPLETED', 'FAILED', text()]) })
      const body =
        event('text', { text: text() }) +
        event('reset', { attempt: text() }) +
        event('text', { text: text() })
      return say(200, body + end, 'text/event-stream')
    }
    const kind = next() % 20
    const code = one(Object.keys(errorCatalogue))
    const errors = [{ pointer: text(), detail: text() }]
    if (kind === 0) return say(409, JSON.stringify({ code, detail: text(), errors, title: text() }))
    if (kind === 1) return say(one([200, 500]), text())
    const responses = operationOf(request.method ?? '', pathname)?.responses ?? {}
    const [status, found] = Object.entries(responses).find(([each]) => each.startsWith('2')) ?? ['200', {}]
    const schema = (found as { content?: Record<string, { schema?: Schema }> }).content?.['application/json']
      ?.schema
    return schema === undefined ? say(Number(status), '') : say(Number(status), JSON.stringify(value(schema)))
  }
}

class Printed extends Writable {
  text = ''
  readonly isTTY: boolean
  readonly columns = 60
  constructor(isTTY: boolean) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
  }
  override _write(piece: string, _encoding: string, done: () => void): void {
    this.text += piece
    done()
  }
}

/** What reaches the terminal beside line ends, tabs, and the one sequence that the terminal itself writes: up over lines, and erase. */
const sequence = `${String.fromCharCode(27)}\\[`
const overdrawn = new RegExp(`\\r${sequence}\\d+A${sequence}0J`, 'g')
const foreign = ({ text }: Printed): string => text.replace(overdrawn, '').replace(/[\n\t]/g, '')

/** The commands that print what a server says, each in the ways that make it say most. */
const commands: readonly string[] = [
  'budget a',
  'dead-letters list',
  'dead-letters show a',
  'dead-letters retry a b',
  'dead-letters retry --all',
  'dead-letters purge a --yes',
  'doctor',
  'estimate GenerateScene',
  'import FILE --preview',
  'import FILE --yes --watch',
  'keys create --name a --role author',
  'keys list',
  'keys revoke a',
  'audit list',
  'audit export',
  'backup --force COPY',
  'lanes list',
  'lanes pause a',
  'lanes resume a',
  'lanes set a --slots 3',
  'limits list',
  'limits reset a',
  'limits set a --requests 3',
  'schedules list',
  'schedules ticks @daily',
  'schedules create a --cron @daily --type Tick',
  'schedules update a --cron @hourly',
  'schedules delete a',
  'schedules pause a',
  'schedules resume a',
  'schedules run a',
  'novels append a FILE --preview',
  'novels append a FILE --yes --watch',
  'novels list',
  'novels show a',
  'novels read a',
  'novels read a --text',
  'novels search a words',
  'novels history a 1.1',
  'novels history a 1.1 --entry a',
  'novels restore a 1.1 a',
  'novels candidates a 1.1',
  'novels accept a 1.1 a',
  'novels discard a 1.1 a',
  'tasks undo-texts a',
  'novels write a 1.1',
  'novels write a 1.1 --estimate',
  'novels write a --chapters 1',
  'novels write a 1.1 --preview',
  'novels prompts a',
  'novels prompt a generate-scene.en',
  'novels summaries a',
  'novels update-summaries a',
  'novels continue a',
  'novels outlines a',
  'novels rewrite a 1.1 --passage words',
  'novels begin a',
  'novels rename a b',
  'novels reference a',
  'novels references a b',
  'novels add-chapter a b',
  'novels rename-chapter a 1 b',
  'novels move-chapter a 1',
  'novels remove a 1.1',
  'novels bin a',
  'novels put-back a b',
  'novels bin',
  'novels put-back a',
  'novels delete a',
  'novels delete a --for-good --yes',
  'novels snapshot a b',
  'novels snapshots a',
  'novels compare a b',
  'novels restore-snapshot a b',
  'novels delete-snapshot a b',
  'novels export a --out -',
  'codex list a',
  'codex rename a b c d --preview',
  'codex rename a b c d',
  'codex merge a b c',
  'codex pin a 1.1 b',
  'codex bar a 1.1 b --undo',
  'codex proposals a',
  'codex check a',
  'codex propose a',
  'codex propose a --estimate',
  'codex check-with-model a --chapters all',
  'novels style a',
  'threads list a',
  'threads show a b',
  'threads put a b --plan x',
  'threads event a b planted 1.1 x',
  'threads delete a b --yes',
  'webhooks add https://hooks.example',
  'webhooks list',
  'webhooks remove a',
  'webhooks rotate a',
  'webhooks test a',
  'webhooks disable a',
  'webhooks enable a',
  'models kept list',
  'models kept set a b@http://127.0.0.1:9/v1',
  'models kept test a',
  'models kept prefer a',
  'models kept remove a',
  'novels brief a 1.1',
  'novels delete a --yes',
  'tasks submit GenerateScene --watch',
  'tasks submit GenerateScene',
  'tasks list',
  'tasks show a',
  'tasks show a --watch',
  'tasks output a',
  'tasks output a --follow',
  'tasks cancel a b',
  'tasks retry a',
  'tasks bulk cancel --all --yes',
  'tasks run-now a',
  'tasks move bulk a',
  'tasks tag a --add b',
  'tasks signal a approval',
  'tasks rerun a',
  'usage',
  'usage --novel a',
  'users erase a --yes',
  'users export a --out -',
]

/** Those that write a text as it is: that of a task, or of a prompt. */
const writing = [
  'novels write a 1.1',
  'novels prompt a generate-scene.en',
  'tasks output a',
  'tasks output a --follow',
  'tasks submit GenerateScene --watch',
]

/** They ask no server: what they print is of this machine. */
const ofThisMachine = [
  ...['serve', 'sign-in', 'trust', 'migrate', 'restore', 'topology check', 'topology apply', 'topology show'],
  ...['completion', 'help', 'init', 'version'],
  ...['models list', 'models test', 'models key set', 'models key list', 'models key remove'],
]

function leaves(command: Command): string[] {
  if (command.commands.length === 0) return [command.name()]
  return command.commands.flatMap(each => leaves(each).map(name => `${command.name()} ${name}`))
}

/** Those that have printed what a server said. */
const escaping = new Set<string>()

/** What the server says, whether to a terminal, and whether as JSON. */
const cases = [choices, fc.boolean(), fc.boolean()] as const

/** Runs a command against the server, and looks at what it prints. */
async function expectSafe(
  command: string,
  [stream, isTTY, json]: [stream: fc.Stream<number>, isTTY: boolean, json: boolean],
): Promise<void> {
  const next = () => stream.next().value ?? 0
  answer = hostileServer(next)
  const [stdout, stderr] = [new Printed(isTTY), new Printed(isTTY)]
  const stdin = Object.assign(new PassThrough(), { isTTY: false })
  stdin.end()
  const files: Record<string, string> = { FILE: 'book.txt', COPY: 'copy.db' }
  const words = command.split(' ').map(word => (word in files ? join(directory, `${files[word]}`) : word))
  const { port } = server.address() as AddressInfo
  const place = ['--data', join(directory, 'data'), '--url', `http://127.0.0.1:${port}`]
  await main([...words, ...place, ...(json ? ['--json'] : [])], { stdin, stdout, stderr })
  if (/\\u[0-9a-f]{4}/.test(stdout.text + stderr.text)) escaping.add(command)
  const isFiled = !isTTY && !json && writing.includes(command)
  expect(foreign(stdout)).not.toMatch(isFiled ? commanding : control)
  expect(foreign(stderr)).not.toMatch(control)
  expect(stderr.text.split('\n')).not.toContain(forged)
}

describe('whatever the server says', () => {
  test.each(commands)('quillwork %s prints no control of it', async command => {
    await fc.assert(
      fc.asyncProperty(...cases, (...said) => expectSafe(command, said)),
      { numRuns: 24 },
    )
  })

  test('the commands do print what it says', async () => {
    // By chance, some may have been refused each time: these ask more often.
    for (const command of commands)
      for (const said of escaping.has(command) ? [] : fc.sample(fc.tuple(...cases), 100)) {
        if (escaping.has(command)) break
        await expectSafe(command, said)
      }
    expect(commands.filter(command => !escaping.has(command))).toEqual([])
  })

  test('every command is among them, or asks no server', () => {
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
    const names = leaves(createProgram(createTerminal(streams), () => undefined))
    const known = [...commands, ...ofThisMachine]
    const missing = names.filter(name => {
      const words = name.split(' ').slice(1).join(' ')
      return !known.some(each => each === words || each.startsWith(`${words} `))
    })
    expect(missing).toEqual([])
  })
})
