import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Channel } from 'amqplib'
import { scriptedTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { eventNames } from '../../src/broker/cloud-events.ts'
import { defineTask, type Engine } from '../../src/index.ts'
import { documentOf, payloadsOf } from '../broker/asyncapi-document.ts'
import { blocksOf } from '../docs/markdown.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, type Installation, installation } from './installation.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** An event as a service of somebody else reads it. */
interface CloudEvent {
  type: string
  subject: string
  sequence?: string
  data: Record<string, unknown>
}

/** Binds a queue of its own and keeps what arrives. */
async function listen(home: Installation): Promise<{ events: CloudEvent[]; headers: object[] }> {
  const channel: Channel = await home.channel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, `${home.prefix}tasks.events.exchange`, 'task.event.#')
  const heard: { events: CloudEvent[]; headers: object[] } = { events: [], headers: [] }
  await channel.consume(queue, message => {
    if (message === null) return
    heard.events.push(JSON.parse(message.content.toString()) as CloudEvent)
    heard.headers.push({ ...message.properties.headers, contentType: message.properties.contentType })
    channel.ack(message)
  })
  return heard
}

const nameOf = ({ type }: CloudEvent) => type.split('.')[3] ?? ''

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

/** A task of which every event can be had. */
function tasksOf() {
  const { scripted, parent } = scriptedTasks()
  const weak = defineTask({
    type: 'Weak',
    parameters: scripted.parameters,
    result: scripted.result,
    retry: { maxAttempts: 2, backoff: ['100ms'], jitter: 0 },
    execute() {
      throw new Error('told to fail')
    },
  })
  return { scripted, parent, weak, all: [scripted, parent, weak] }
}

/** Has everything happen that events tell of. */
async function everything(home: Installation, tasks: ReturnType<typeof tasksOf>): Promise<void> {
  const worker = await home.engine({ tasks: tasks.all })
  const { scripted, parent, weak } = tasks
  const child = { key: 'a', orders: [{ do: 'progress', value: 0.5 }] } as const
  const tree = await worker.submit(parent, { orders: [{ do: 'submit', subTasks: [child] }] }, { traceparent })
  await tree.result()
  const failing = await worker.submit(scripted, { orders: [{ do: 'failForGood', attempts: 1 }] })
  await ends(worker, failing.taskId, 'FAILED')
  await worker.tasks.retry(failing.taskId)
  await ends(worker, failing.taskId, 'COMPLETED')
  const poor = await worker.submit(weak, { orders: [] })
  await ends(worker, poor.taskId, 'DEAD_LETTER')
  const hanging = await worker.submit(scripted, { orders: [{ do: 'hang' }] })
  await ends(worker, hanging.taskId, 'RUNNING')
  await hanging.cancel()
  await ends(worker, hanging.taskId, 'CANCELLED')
  const left = await worker.submit(scripted, { orders: [{ do: 'hang', attempts: 1 }] })
  await ends(worker, left.taskId, 'RUNNING')
  await worker.stop({ grace: 0 })
}

function ends(engine: Engine, taskId: string, status: string): Promise<unknown> {
  return until(async () => (await engine.tasks.get(taskId)).status === status, `${status} of ${taskId}`)
}

describeDistributed('events for other services', () => {
  it('are all told, as their description says, in order and without a number left out', async () => {
    await using home = installation()
    const tasks = tasksOf()
    await home.engine({ tasks: tasks.all, start: false })
    const { events, headers } = await listen(home)
    await everything(home, tasks)
    await until(() => new Set(events.map(nameOf)).size === eventNames.length, 'every kind of event')
    const payload = payloadsOf(documentOf())
    for (const event of events) {
      const validate = payload(`event-${nameOf(event)}`)
      expect(validate(event), JSON.stringify([event, validate.errors])).toBe(true)
      expect(described(nameOf(event))).toEqual(expect.arrayContaining(Object.keys(event.data)))
    }
    for (const subject of new Set(events.map(each => each.subject))) {
      const own = events.filter(each => each.subject === subject)
      const sequences = [
        ...new Set(own.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]))),
      ]
      expect(sequences.map(Number), subject).toEqual(sequences.map((_, index) => index + 1))
      expect(sequences).toEqual(sequences.toSorted())
    }
    for (const [index, { subject }] of events.entries())
      expect(headers[index]).toMatchObject({
        contentType: 'application/cloudevents+json',
        'cloudEvents:subject': subject,
      })
    expect(events.some(event => 'traceparent' in event && event.traceparent === traceparent)).toBe(true)
    expect(JSON.stringify(events)).not.toMatch(/"(parameters|result|stack)"/)
  })

  it('are published once while nothing fails, also where one process submits and another runs', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted], start: false })
    const { events } = await listen(home)
    await home.engine({ tasks: [scripted] })
    const tasks = 100
    for (let task = 0; task < tasks; task += 1) await client.submit(scripted, { orders: [] })
    const kinds = ['submitted', 'started', 'completed']
    const keys = () => new Set(events.map(({ subject, sequence }) => `${subject} ${sequence}`))
    await until(() => keys().size === kinds.length * tasks, 'every event')
    // One that was waited for comes last; what was published twice would have come by then.
    const last = await client.submit(scripted, { orders: [] })
    await until(
      () => events.some(each => nameOf(each) === 'completed' && each.subject === last.taskId),
      'last',
    )
    // A process that is held up for half a second may find that another has published for it.
    expect(events.length).toBeLessThan((kinds.length * (tasks + 1) * 21) / 20)
    expect(events.filter(each => nameOf(each) === 'submitted').length).toBeLessThan(tasks * 1.1)
  })

  it('are consumed by the program of the documentation, each once, with the gap of a late comer', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const engine = await home.engine({ tasks: [scripted], start: false })
    const heard = await listen(home)
    const before = await engine.submit(scripted, { orders: [] })
    await until(() => heard.events.length === 1, 'the event of the task before')
    const channel = await home.channel()
    await using program = startConsumer(home)
    await until(() => isConsumed(channel, program.queue), 'consumer')
    const after = await engine.submit(scripted, { orders: [] })
    await engine.start()
    await until(() => program.lines().filter(line => line.includes('.completed.')).length === 2, 'both ends')
    const linesOf = (taskId: string) =>
      program
        .lines()
        .filter(line => line.includes(taskId))
        .map(line => line.replace(`dev.quillwork.task.`, '').replace(`${taskId} `, ''))
    expect(linesOf(after.taskId)).toEqual([
      'submitted.v1 0000000001',
      'started.v1 0000000002',
      'completed.v1 0000000003',
    ])
    expect(linesOf(before.taskId)[0]).toBe('started.v1 0000000002 after a gap: read the task')
    expect((await channel.checkQueue(program.queue)).messageCount).toBe(0)
  })

  it('reach who asks for results one after the other, also of tasks that ended before they asked', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    await home.engine({ tasks: [scripted] })
    const client = await home.engine({ tasks: [scripted], roles: [] })
    const items = Array.from({ length: 20 }, (_, value) => ({
      parameters: { orders: [{ do: 'succeed' as const, value }] },
    }))
    const handles = await client.submitMany(scripted, items)
    // Each would take until the next look at all that is waited for, which is every five seconds.
    for (const [at, handle] of handles.entries()) expect(await handle.result()).toBe(at)
  })
})

/** The fields that the document gives an event. */
function described(name: string): string[] {
  const schema = documentOf().components.schemas[name] as { properties: object }
  return Object.keys(schema.properties)
}

/** Declared, for a mere look at a queue that is not there yet closes the channel. */
async function isConsumed(channel: Channel, queue: string): Promise<boolean> {
  const { consumerCount } = await channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } })
  return consumerCount > 0
}

/** Runs the consumer of docs/events.md as a program of its own. */
function startConsumer(home: Installation) {
  const block = blocksOf(readFileSync(path.join(root, 'docs/events.md'), 'utf8')).find(
    ({ info }) => info === 'consume.mjs',
  )
  if (block === undefined) throw new Error('docs/events.md has no consume.mjs.')
  const folder = mkdtempSync(path.join(root, 'node_modules', '.quillwork-consumer-'))
  writeFileSync(path.join(folder, 'consume.mjs'), block.text)
  const queue = `${home.prefix}my-service.tasks`
  const child = spawn(process.execPath, ['consume.mjs'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BROKER: home.brokerUrl,
      EXCHANGE: `${home.prefix}tasks.events.exchange`,
      QUEUE: queue,
    },
  })
  let output = ''
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString()
  })
  return {
    queue,
    lines: () => output.split('\n').filter(Boolean),
    async [Symbol.asyncDispose]() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      if (child.kill()) await ended
      await (await home.channel()).deleteQueue(queue)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
