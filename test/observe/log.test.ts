import fc from 'fast-check'
import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, test } from 'vitest'
import { createLog, type LogLevel, logEvents } from '../../src/observe/log.ts'

interface Line {
  time: string
  level: string
  message: string
  event?: string
  taskId?: string
  traceId?: string
  [field: string]: unknown
}

/** A log that is kept, each line parsed: a line that is not one JSON object fails the test. */
function keptLog(level: LogLevel) {
  const texts: string[] = []
  const log = createLog({ level, destination: { write: text => texts.push(text) } })
  return {
    log,
    texts,
    lines: () =>
      texts.map(text => {
        expect(text.indexOf('\n')).toBe(text.length - 1)
        return JSON.parse(text) as Line
      }),
  }
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

describe('the log of events', () => {
  test('is one line per event, with the ids of the task and its trace', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const { log, lines } = keptLog('debug')
    logEvents(engine, log)
    const orders = [
      { do: 'fail' as const, attempts: 1, message: 'a\nb\u001b[31m' },
      { do: 'progress' as const, value: 1 },
    ]
    const { taskId } = await engine.submit(
      scripted,
      { orders },
      { traceparent, userId: '"},{"level":"fatal' },
    )
    await engine.advance('1m')
    const told = lines()
    expect(told.map(line => line.event)).toEqual([
      'submitted',
      'started',
      'retrying',
      'started',
      'progress',
      'completed',
    ])
    for (const line of told) {
      expect(line).toMatchObject({ taskId, traceId, taskType: 'Scripted', userId: '"},{"level":"fatal' })
      expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
      expect(line.progress).toBeUndefined()
    }
    expect(told[2]).toMatchObject({
      level: 'info',
      error: { code: 'HANDLER_FAILED', message: 'a\nb\u001b[31m' },
    })
    expect(JSON.stringify(told)).not.toContain('"stack"')
  })

  test('leaves out what goes well unless it is asked for', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const { log, lines } = keptLog('info')
    const stop = logEvents(engine, log)
    await engine.submit(scripted, { orders: [] })
    await engine.submit(scripted, { orders: [{ do: 'failForGood' }] })
    await engine.drain()
    expect(lines().map(({ event, level }) => [event, level])).toEqual([['failed', 'warn']])
    stop()
    await engine.submit(scripted, { orders: [{ do: 'failForGood' }] })
    await engine.drain()
    expect(lines()).toHaveLength(1)
  })

  test('has the trace in what a handler logs as well', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const { taskId } = await engine.submit(
      scripted,
      { orders: [{ do: 'log', message: 'here' }] },
      { traceparent },
    )
    await engine.drain()
    const line = engine.log.lines.find(({ message }) => message === 'here')
    expect(line?.fields).toMatchObject({ taskId, traceId, attempt: 1, taskType: 'Scripted' })
  })

  test('has no control of what is logged, and is read as what was logged', () => {
    const text = fc.string({
      unit: fc.constantFrom('\u001b[2J', '\u009b1m', '\u202e', '\u2028', '\n', '\r', '\u007f', 'a'),
    })
    fc.assert(
      fc.property(text, message => {
        const { log, texts, lines } = keptLog('info')
        log.info({ value: message, err: new Error(message) }, message)
        expect(texts.join('').slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u)
        expect(lines()).toMatchObject([{ value: message, message, err: { message } }])
      }),
    )
  })

  test('keeps secrets out', () => {
    const { log, lines } = keptLog('info')
    log.info(
      {
        token: 'canary',
        headers: { authorization: 'Bearer canary' },
        model: { options: { apiKey: 'canary' } },
      },
      'x',
    )
    expect(JSON.stringify(lines())).not.toContain('canary')
  })
})
