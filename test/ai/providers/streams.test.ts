import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createLanguageModel } from '../../../src/ai/providers/language-model.ts'
import { countTokens } from '../../../src/ai/providers/tokens.ts'
import { startModelServer } from '../../models/server.ts'
import { chunk, configFor, events, later, outcomeOf, secret, serving } from './kit.ts'

/** A model on a server that streams as told; the handler gets the response after its head. */
async function streaming(
  send: (response: ServerResponse) => void,
  changes: Parameters<typeof configFor>[1] = {},
) {
  const closed = later()
  const server = await serving((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    response.once('close', closed.resolve)
    send(response)
  })
  const model = createLanguageModel('prose', configFor(server.url, changes), { key: secret })
  return { model, closed: closed.promise, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const end = events(chunk({}, 'stop'), '[DONE]')

describe('a stream', () => {
  it('may be cut into bytes anywhere, also within a character', async () => {
    const text = '雾里的渡船🚢靠岸了。“你终于回来了。” Ein Übergang — čas.'
    for (const size of [1, 2, 3, 7]) {
      await using server = await streaming(response => {
        const bytes = Buffer.from(events(...[...text].map(content => chunk({ content }))) + end)
        const pieces = function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
        }
        const rest = pieces()
        const next = () => {
          const { value, done } = rest.next()
          if (done) return response.end()
          response.write(value)
          setImmediate(next)
        }
        next()
      })
      const { answer, text: heard } = await outcomeOf(server.model)
      expect(answer?.text).toBe(text)
      expect(heard).toBe(text)
    }
  })

  it('may hold comments that keep it alive, carriage returns and empty stretches', async () => {
    await using server = await streaming(response => {
      response.write(': ping\n\n: ping\r\n\r\n')
      response.write(events(chunk({ role: 'assistant', content: '' }), chunk({ content: '' })))
      response.write(events(chunk({ content: 'Once.' })).replaceAll('\n', '\r\n'))
      response.end(`: ping\n\n${end}`)
    })
    expect((await outcomeOf(server.model)).answer?.text).toBe('Once.')
  })

  it('without tokens is counted by an estimate that is rather too high', async () => {
    await using server = await streaming(response =>
      response.end(events(chunk({ content: 'The ferry came in.' })) + end),
    )
    const { answer } = await outcomeOf(server.model, { prompt: 'Tell of the ferry.', system: 'Write.' })
    expect(answer?.usage).toEqual({
      model: 'prose',
      inputTokens: countTokens('Tell of the ferry.') + countTokens('Write.') + 16,
      outputTokens: countTokens('The ferry came in.'),
    })
  })

  it.each([{}, { prompt_tokens: 0, completion_tokens: 0 }, { prompt_tokens: 1e300, completion_tokens: -5 }])(
    'with %j for its tokens is counted by the estimate',
    async usage => {
      await using server = await streaming(response =>
        response.end(events(chunk({ content: 'Once.' }), { ...chunk({}, 'stop'), usage }, '[DONE]')),
      )
      const { answer } = await outcomeOf(server.model)
      expect(answer?.usage.outputTokens).toBe(countTokens('Once.'))
      expect(answer?.usage.inputTokens).toBe(countTokens('Tell of the ferry.') + 16)
    },
  )

  it.each(['"12"', '1e400', 'true', 'null', '-1e400', '1.5'])(
    'is not lost for a count of %s',
    async count => {
      const last = JSON.stringify({ ...chunk({}, 'stop'), usage: { prompt_tokens: 0, completion_tokens: 7 } })
      await using server = await streaming(response =>
        response.end(
          events(chunk({ content: 'She wrote {"prompt_tokens": "12"}.' })) +
            `data: ${last.replace('"prompt_tokens":0', `"prompt_tokens": ${count}`)}\n\ndata: [DONE]\n\n`,
        ),
      )
      const { answer } = await outcomeOf(server.model)
      expect(answer?.text).toBe('She wrote {"prompt_tokens": "12"}.')
      expect(answer?.usage.outputTokens).toBe(7)
    },
  )

  const tooMuch = [
    { prompt_tokens: 9e15, completion_tokens: 7 },
    { prompt_tokens: 20_000, completion_tokens: 7 },
    { prompt_tokens: 20, completion_tokens: 1_001 },
    { prompt_tokens: 9_007_199_254_740_991, completion_tokens: 9_007_199_254_740_991 },
  ]
  it.each(tooMuch)(
    'with %j, more than was asked for, is counted by the estimate, and marked',
    async usage => {
      await using server = await streaming(response =>
        response.end(events(chunk({ content: 'Once.' }), { ...chunk({}, 'stop'), usage }, '[DONE]')),
      )
      const { answer } = await outcomeOf(server.model, { maxOutputTokens: 1_000 })
      const { prompt_tokens: input, completion_tokens: output } = usage
      expect(answer).toMatchObject({ text: 'Once.' })
      expect(answer?.usage).toEqual({
        model: 'prose',
        inputTokens: input === 20 ? 20 : countTokens('Tell of the ferry.') + 16,
        outputTokens: output === 7 ? 7 : countTokens('Once.'),
        isEstimated: true,
      })
    },
  )

  it('longer than it was allowed is believed where as much arrived', async () => {
    const content = 'far '.repeat(1_000)
    const usage = { prompt_tokens: 20, completion_tokens: 2_000 }
    await using server = await streaming(response =>
      response.end(events(chunk({ content }), { ...chunk({}, 'stop'), usage }, '[DONE]')),
    )
    const { answer } = await outcomeOf(server.model, { maxOutputTokens: 1_000 })
    expect(answer?.usage).toEqual({ model: 'prose', inputTokens: 20, outputTokens: 2_000 })
  })

  it('counts what the model thought, and does not pass it on', async () => {
    await using server = await streaming(response =>
      response.end(events(chunk({ reasoning_content: 'Let me think.' }), chunk({ content: 'Once.' })) + end),
    )
    const { answer, text } = await outcomeOf(server.model)
    expect(answer?.text).toBe('Once.')
    expect(text).toBe('Once.')
    expect(answer?.usage.outputTokens).toBe(countTokens('Once.Let me think.'))
  })

  it.each([
    ['in one stretch', ['<think>Let me think.</think>\n\nOnce.']],
    ['in pieces', ['\n<th', 'ink>', 'Let me ', 'think.</thi', 'nk>', '\n\n', 'On', 'ce.']],
    ['letter by letter', [...'<think>Let me think.</think>Once.']],
  ])('tells thoughts from the text that they are left in, %s', async (_, stretches) => {
    await using server = await streaming(response =>
      response.end(events(...stretches.map(content => chunk({ content }))) + end),
    )
    const { answer, text } = await outcomeOf(server.model)
    expect([answer?.text.trim(), text.trim()]).toEqual(['Once.', 'Once.'])
    expect(answer?.usage.outputTokens).toBeGreaterThanOrEqual(countTokens('Let me think.'))
  })

  it.each(['<', '<think', '<thinking> was what the sign said.', 'He wrote <think>no</think> on it.'])(
    'that only looks like a thought is text: %s',
    async content => {
      await using server = await streaming(response => response.end(events(chunk({ content })) + end))
      const { answer, text } = await outcomeOf(server.model)
      expect([answer?.text, text]).toEqual([content, content])
    },
  )

  it('of thoughts alone is none', async () => {
    await using server = await streaming(response =>
      response.end(events(chunk({ content: '<think>Hm. ' }), chunk({ content: 'Well.' })) + end),
    )
    const { error, text } = await outcomeOf(server.model)
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_EMPTY' })
    expect(text).toBe('')
  })

  it('of 10 MB within its bound is read as it comes', async () => {
    const stretch = 'All work and no play. '.repeat(180)
    await using server = await streaming(
      response => {
        let left = 2_500
        const next = () => {
          while (left-- > 0)
            if (!response.write(events(chunk({ content: stretch })))) return response.once('drain', next)
          response.end(end)
        }
        next()
      },
      { maxOutputTokens: 1_000_000 },
    )
    const { answer } = await outcomeOf(server.model, { maxOutputTokens: 1_000_000 })
    expect(answer?.text).toHaveLength(2_500 * stretch.length)
  })

  it('that goes on for ever is cut off and closed', async () => {
    await using server = await streaming(response => {
      const piece = events(chunk({ content: 'All work and no play. '.repeat(180) }))
      const next = () => {
        while (!response.destroyed) if (!response.write(piece)) return response.once('drain', next)
      }
      next()
    })
    const { error, partial, text } = await outcomeOf(server.model)
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
    expect(text.length).toBeLessThan(200_000)
    expect(partial).toHaveLength(1)
    await server.closed
  })
})

describe('a stream that is no answer', () => {
  it('is a page of HTML', async () => {
    await using server = await streaming(response => response.end('<html>Welcome to nginx</html>'))
    expect((await outcomeOf(server.model)).error).toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
  })

  it('is a whole answer where a stream was asked for', async () => {
    await using server = await streaming(response =>
      response.end(JSON.stringify({ choices: [{ message: { content: 'Once.' }, finish_reason: 'stop' }] })),
    )
    expect((await outcomeOf(server.model)).error).toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
  })

  it('is blank', async () => {
    await using server = await streaming(response => response.end(events(chunk({ content: ' \n\t' })) + end))
    expect((await outcomeOf(server.model)).error).toMatchObject({ code: 'MODEL_ANSWER_EMPTY' })
  })

  it('ends for a reason that is none to be done', async () => {
    for (const reason of ['tool_calls', 'function_call', 'budget', '']) {
      await using server = await streaming(response =>
        response.end(events(chunk({ content: 'Once.' }), chunk({}, reason), '[DONE]')),
      )
      const { error, answer } = await outcomeOf(server.model)
      expect(answer, reason).toBeUndefined()
      expect(error, reason).toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
    }
  })

  it('ends for a reason that other servers give for being done', async () => {
    await using server = await streaming(response =>
      response.end(events(chunk({ content: 'Once.' }), chunk({}, 'eos_token'), '[DONE]')),
    )
    expect((await outcomeOf(server.model)).answer?.finishReason).toBe('eos_token')
  })

  it('passes on nothing of a refusal', async () => {
    await using server = await streaming(response =>
      response.end(events(chunk({ refusal: 'I am sorry' }), chunk({ refusal: ', no.' })) + end),
    )
    const { error, text } = await outcomeOf(server.model)
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_REFUSED' })
    expect(text).toBe('')
  })

  it('tells the tokens that the provider counted, of a truncated one too', async () => {
    const usage = { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 }
    await using server = await streaming(response =>
      response.end(events(chunk({ content: 'Once' }), { ...chunk({}, 'length'), usage }, '[DONE]')),
    )
    const { error, partial } = await outcomeOf(server.model)
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_TRUNCATED' })
    expect(partial).toEqual([{ model: 'prose', inputTokens: 12, outputTokens: 34 }])
  })
})

describe('a wait', () => {
  const timeouts = { first: 10_000, idle: 10_000, total: 10_000 }

  it('for the first stretch ends, whatever keeps the connection alive', async () => {
    await using server = await streaming(
      response => {
        const timer = setInterval(() => response.write(': ping\n\n'), 10)
        response.once('close', () => clearInterval(timer))
      },
      { timeouts: { ...timeouts, first: 80 } },
    )
    const { error, partial, answered } = await outcomeOf(server.model)
    expect(error).toMatchObject({ code: 'MODEL_STALLED', details: { wait: 'first', ms: 80 } })
    expect(answered).toEqual([false])
    expect(String(error)).toContain('timeouts.first')
    expect(partial).toEqual([
      { model: 'prose', inputTokens: countTokens('Tell of the ferry.') + 16, outputTokens: 0 },
    ])
    await server.closed
  })

  it('between two stretches ends, and the text so far counts', async () => {
    await using server = await streaming(
      response => response.write(events(chunk({ content: 'The ferry' }))),
      {
        timeouts: { ...timeouts, idle: 80 },
      },
    )
    const { error, text, partial, answered } = await outcomeOf(server.model)
    expect(error).toMatchObject({ code: 'MODEL_STALLED', details: { wait: 'idle' } })
    expect(answered).toEqual([true])
    expect(text).toBe('The ferry')
    expect(partial[0]?.outputTokens).toBe(countTokens('The ferry'))
    await server.closed
  })

  it('for the whole ends a stream that never does', async () => {
    await using server = await streaming(
      response => {
        const timer = setInterval(() => response.write(events(chunk({ content: 'and ' }))), 10)
        response.once('close', () => clearInterval(timer))
      },
      { timeouts: { ...timeouts, total: 150 } },
    )
    expect((await outcomeOf(server.model)).error).toMatchObject({
      code: 'MODEL_STALLED',
      details: { wait: 'total' },
    })
    await server.closed
  })

  it('ends where there are not even headers', async () => {
    await using server = await serving(() => undefined)
    const config = configFor(server.url, { timeouts: { ...timeouts, first: 80 } })
    const { error } = await outcomeOf(createLanguageModel('prose', config, { key: secret }))
    expect(error).toMatchObject({ code: 'MODEL_STALLED' })
  })

  it('ends where a refusal never ends', async () => {
    await using server = await serving((_, response) => {
      response.writeHead(500)
      response.write('x')
    })
    const config = configFor(server.url, { timeouts: { ...timeouts, first: 80 } })
    const { error } = await outcomeOf(createLanguageModel('prose', config, { key: secret }))
    expect(error).toMatchObject({ code: 'MODEL_STALLED' })
  })
})

describe('an abort', () => {
  it('closes the connection, long before the answer would stall, and rejects with its reason', async () => {
    await using server = await startModelServer()
    server.script.add({ answer: { is: 'stalled', after: 2 } })
    const timeouts = { first: 60_000, idle: 60_000, total: 120_000 }
    const model = createLanguageModel('prose', configFor(server.url, { timeouts }), { key: secret })
    const controller = new AbortController()
    const reason = new Error('The author changed her mind.')
    let at = 0
    const { error, text, partial } = await outcomeOf(
      model,
      {},
      {
        signal: controller.signal,
        onText: () => {
          if (at > 0) return
          at = Date.now()
          controller.abort(reason)
        },
      },
    )
    expect(error).toBe(reason)
    expect(text).not.toBe('')
    expect(partial).toHaveLength(1)
    const [call] = server.ledger.calls
    await expect.poll(() => call?.endedAt).toBeDefined()
    expect(call?.closedByClient).toBe(true)
    expect((call?.endedAt ?? 0) - at).toBeLessThan(30_000)
  })

  it.each(['before the headers', 'between two stretches'])('works %s', async when => {
    const asked = later()
    const closed = later()
    await using server = await serving((_, response) => {
      response.once('close', closed.resolve)
      if (when === 'between two stretches') {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(events(chunk({ content: 'The ferry' })))
      }
      asked.resolve()
    })
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    const controller = new AbortController()
    const outcome = outcomeOf(model, {}, { signal: controller.signal })
    await asked.promise
    controller.abort()
    const { error, partial } = await outcome
    expect(error).toBe(controller.signal.reason)
    expect(partial).toHaveLength(1)
    await closed.promise
  })

  it('before the call asks nobody and costs nothing', async () => {
    await using server = await startModelServer()
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    const { error, partial } = await outcomeOf(model, {}, { signal: AbortSignal.abort('enough') })
    expect(error).toBe('enough')
    expect(partial).toEqual([])
    expect(server.ledger.calls).toEqual([])
  })

  it('leaves nothing on the signal after a call', async () => {
    await using server = await startModelServer()
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1
      removeEventListener.apply(signal, args)
    }
    await outcomeOf(model, {}, { signal })
    expect(listeners).toBe(0)
  })

  it('by a listener that fails closes the connection, and its error is the one', async () => {
    await using server = await streaming(response => response.write(events(chunk({ content: 'The ferry' }))))
    const { error } = await outcomeOf(
      server.model,
      {},
      {
        onText: () => {
          throw new RangeError('of the listener')
        },
      },
    )
    expect(error).toBeInstanceOf(RangeError)
    await server.closed
  })
})

describe('a connection', () => {
  it('is used again by later calls', async () => {
    const sockets = new Set<unknown>()
    await using server = await serving((request, response) => {
      sockets.add(request.socket)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(events(chunk({ content: 'Once.' })) + end)
    })
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    for (let call = 0; call < 5; call++) expect((await outcomeOf(model)).error).toBeUndefined()
    // The next call may begin before the line of the last one is free again.
    expect(sockets.size).toBeLessThan(5)
  })
})
