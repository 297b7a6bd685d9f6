import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EventClient, type SeenEvent } from '../http/event-client.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'
import { describeWithRabbit, freshPrefix } from '../servers/rabbit.ts'
import { sizeOf } from '../size.ts'
import { requireBuilt } from './crash/built.ts'
import { type Child, Children } from './crash/children.ts'
import { chance } from './crash/seed.ts'

beforeAll(requireBuilt, 240_000)

const kills = sizeOf(2, 20)
/** Each takes 0.2 s to write. */
const scenes = sizeOf(24, 60)
let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-output-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Somebody who reads the output of a task, and comes back whenever the stream breaks off. */
class Reader {
  readonly events: SeenEvent[] = []
  /** Where the task is served now. */
  url = ''
  #lastEventId = ''

  async read(taskId: string): Promise<void> {
    while (this.events.at(-1)?.event !== 'end') {
      const client = new EventClient(`${this.url}/v1/tasks/${taskId}/output`)
      client.lastEventId = this.#lastEventId
      const status = await client.connect({ headers: { accept: 'text/event-stream' } }).catch(() => 0)
      if (status === 200) await client.until(({ isClosed }) => isClosed)
      else await sleep(20)
      this.events.push(...client.events)
      this.#lastEventId = client.lastEventId
    }
  }

  /** The texts that it was told, by attempt. */
  get texts(): Map<number, string> {
    const texts = new Map<number, string>()
    let last = 0
    for (const { event, data } of this.events) {
      const { attempt, sequence, text } = data as { attempt: number; sequence: number; text: string }
      if (event === 'reset') last = 0
      if (event !== 'text') continue
      expect(sequence, `attempt ${attempt}`).toBe(last + 1)
      last = sequence
      texts.set(attempt, `${texts.get(attempt) ?? ''}${text}`)
    }
    return texts
  }
}

/** Kills a process a moment after it has finished something. */
async function killMidStream(child: Child, between: (least: number, most: number) => number): Promise<void> {
  await child.says('scene')
  await sleep(between(0, 300))
  child.signal('SIGKILL')
  expect((await child.ended).signal).toBe('SIGKILL')
}

/** That the reader has the text of the attempt that ended the task, and of every attempt nothing but its own words, in order. */
async function expectWhole({ texts, url, events }: Reader, taskId: string): Promise<void> {
  const task = (await (await fetch(`${url}/v1/tasks/${taskId}`)).json()) as {
    result: string
    attempt: number
  }
  const output = (await (await fetch(`${url}/v1/tasks/${taskId}/output`)).json()) as { text: string }
  expect(texts.get(task.attempt)).toBe(task.result)
  expect(output.text).toBe(task.result)
  expect(events.at(-1)?.data).toEqual({ status: 'COMPLETED' })
  for (const [attempt, text] of texts) {
    const words = text.split(' ').map(word => word.split(/[.由]/).map(Number))
    const expected = words.map((_, index) => [Math.floor(index / 20) + 1, (index % 20) + 1])
    // The last one may be half a word: the attempt was killed, or it is what follows the last space.
    words.pop()
    expect(words.map(([scene, word]) => [scene, word])).toEqual(expected.slice(0, -1))
    expect(Math.max(...words.map(([, , by]) => by ?? 0))).toBeLessThanOrEqual(attempt)
  }
}

describe(`the output of a task whose process is killed mid-stream ${kills} times`, () => {
  it('reaches its reader whole, from the process that follows', { timeout: 240_000 }, async () => {
    await using children = new Children(folder)
    const { between } = chance(5)
    const reader = new Reader()
    const begin = async () => {
      const options = { file: path.join(folder, 'tasks.db'), api: true, submits: true, scenes }
      const child = children.start('run-output.mjs', options)
      const { url, taskId } = await child.says('started')
      reader.url = String(url)
      return { child, taskId: String(taskId) }
    }
    let { child, taskId } = await begin()
    const reading = reader.read(taskId)
    for (let killed = 0; killed < kills; killed++) {
      await killMidStream(child, between)
      ;({ child, taskId } = await begin())
    }
    await reading
    expect(reader.texts.size).toBeGreaterThan(kills / 2)
    await expectWhole(reader, taskId)
  })
})

describeWithMongo(`the output of a task whose worker is killed mid-stream ${kills} times`, () => {
  describeWithRabbit('on RabbitMQ and MongoDB', () => {
    it('reaches its reader whole, through another process', { timeout: 240_000 }, async () => {
      await using database = freshDatabase()
      await using names = freshPrefix()
      await using children = new Children(folder)
      const { between } = chance(6)
      const shared = { mongoUrl: database.url, rabbitUrl: names.url, prefix: names.prefix }
      const server = children.start('run-output.mjs', {
        ...shared,
        roles: ['maintenance'],
        api: true,
        submits: true,
        scenes,
      })
      const { url, taskId } = await server.says('started')
      const reader = new Reader()
      reader.url = String(url)
      const reading = reader.read(String(taskId))
      for (let killed = 0; killed < kills; killed++)
        await killMidStream(children.start('run-output.mjs', { ...shared, roles: ['worker'] }), between)
      children.start('run-output.mjs', { ...shared, roles: ['worker'] })
      await reading
      expect(reader.texts.size).toBeGreaterThan(kills / 2)
      await expectWhole(reader, String(taskId))
    })
  })
})
