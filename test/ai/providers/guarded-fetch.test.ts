import type { lookup } from 'node:dns'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ModelError } from '../../../src/ai/model-error.ts'
import { type GuardOptions, guardedFetch } from '../../../src/ai/providers/guarded-fetch.ts'
import { createLanguageModel } from '../../../src/ai/providers/language-model.ts'
import { chunk, configFor, events, later, outcomeOf, secret, serving } from './kit.ts'

/** A resolver that answers the lists of addresses one after the other, the last one for ever. */
function resolving(...answers: readonly (readonly string[])[]): { lookup: typeof lookup; asked: string[] } {
  const asked: string[] = []
  const answer = (
    hostname: string,
    _: unknown,
    callback: (error: Error | null, addresses: { address: string; family: number }[]) => void,
  ) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    callback(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return { lookup: answer as unknown as typeof lookup, asked }
}

/** The error of a call, its own or below. */
async function refusalOf(url: string, options: GuardOptions = {}, init?: RequestInit): Promise<ModelError> {
  try {
    await guardedFetch(options)(url, init)
  } catch (error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) if (at instanceof ModelError) return at
    throw error
  }
  throw new Error(`${url} was called`)
}

describe('an address that may not be called', () => {
  it.each([
    'http://127.0.0.1:PORT/v1',
    'http://2130706433:PORT/v1',
    'http://0x7f000001:PORT/v1',
    'http://0177.0.0.1:PORT/v1',
    'http://127.1:PORT/v1',
    'http://[::1]:PORT/v1',
    'http://[::ffff:127.0.0.1]:PORT/v1',
    'http://[64:ff9b::7f00:1]:PORT/v1',
    'http://localhost:PORT/v1',
    'http://LOCALHOST:PORT/v1',
    'http://１２７.0.0.1:PORT/v1',
  ])('%s is refused before a connection is made', async pattern => {
    let calls = 0
    await using server = await serving((_, response) => {
      calls += 1
      response.end()
    })
    const error = await refusalOf(pattern.replace('PORT', String(server.port)))
    expect(error.code).toBe('MODEL_ADDRESS_FORBIDDEN')
    expect(error.message).toContain('privateNetwork')
    expect(calls).toBe(0)
  })

  it.each([
    'http://10.1.2.3/v1',
    'http://192.168.1.1/v1',
    'http://100.64.1.1/v1',
    'http://169.254.169.254/latest/meta-data',
    'http://0.0.0.0:8080/',
    'http://[fd00:ec2::254]/',
    'http://[::]/',
    'http://224.0.0.1/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'data:text/plain,x',
  ])('%s is refused', async url => {
    expect((await refusalOf(url)).code).toBe('MODEL_ADDRESS_FORBIDDEN')
  })

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://100.100.100.200/',
    'http://0.0.0.0:8080/',
    'http://[::ffff:169.254.169.254]/',
    'http://224.0.0.1/',
  ])('%s is refused within a private network too', async url => {
    expect((await refusalOf(url, { privateNetwork: true })).code).toBe('MODEL_ADDRESS_FORBIDDEN')
  })

  it.each(['http://user:pass@example.com/', 'http://pass@example.com/', 'pass'])(
    '%s is not called, and not repeated',
    async url => {
      const error = await refusalOf(url, { privateNetwork: true })
      expect(error.code).toBe('MODEL_ADDRESS_FORBIDDEN')
      expect(error.message).not.toContain('pass@')
    },
  )
})

describe('http://', () => {
  it.each(['http://8.8.8.8/v1', 'http://[2606:4700::1111]/v1'])('does not go to %s', async url => {
    const error = await refusalOf(url, { privateNetwork: true })
    expect(error.code).toBe('MODEL_ADDRESS_FORBIDDEN')
    expect(error.message).toContain('https://')
  })

  it('does not go to a name that leads to a public address, also where it leads to a private one as well', async () => {
    const { lookup } = resolving(['8.8.8.8'])
    const error = await refusalOf('http://model.example/v1', { privateNetwork: true, lookup })
    expect(error.code).toBe('MODEL_ADDRESS_FORBIDDEN')
    await using server = await serving((_, response) => response.end('here'))
    const both = resolving(['8.8.8.8', '127.0.0.1']).lookup
    const fetch = guardedFetch({ lookup: both, privateNetwork: true })
    expect(await (await fetch(`http://model.example:${server.port}/v1`)).text()).toBe('here')
  })

  it('is refused where https:// was spoken before, by the same client', async () => {
    const { lookup } = resolving(['8.8.8.8'])
    const fetch = guardedFetch({ privateNetwork: true, lookup })
    const signal = AbortSignal.abort()
    await expect(fetch('https://model.example/v1', { signal })).rejects.toMatchObject({ name: 'AbortError' })
    const refused = await fetch('http://model.example/v1').catch((error: unknown) => error)
    expect(refused).toMatchObject({ cause: { code: 'MODEL_ADDRESS_FORBIDDEN' } })
  })
})

describe('a name', () => {
  it('that leads to a private address is refused before a connection is made', async () => {
    let calls = 0
    await using server = await serving((_, response) => {
      calls += 1
      response.end()
    })
    for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1']) {
      const { lookup } = resolving([address])
      const error = await refusalOf(`http://model.example:${server.port}/v1`, { lookup })
      expect(error.code, address).toBe('MODEL_ADDRESS_FORBIDDEN')
    }
    expect(calls).toBe(0)
  })

  it('that flips after the check is asked once per connection, and the connection goes to what was checked', async () => {
    await using server = await serving((_, response) => response.end('here'))
    const { lookup, asked } = resolving(['127.0.0.1'], ['169.254.169.254'])
    const fetch = guardedFetch({ lookup, privateNetwork: true })
    const response = await fetch(`http://model.example:${server.port}/v1`)
    expect(await response.text()).toBe('here')
    expect(asked).toEqual(['model.example'])
  })

  it('that leads to several addresses is called at those that may be called', async () => {
    await using server = await serving((_, response) => response.end('here'))
    const { lookup } = resolving(['169.254.169.254', '0.0.0.0', '127.0.0.1'])
    const fetch = guardedFetch({ lookup, privateNetwork: true })
    expect(await (await fetch(`http://model.example:${server.port}/v1`)).text()).toBe('here')
  })

  it('that leads nowhere is an error of the network, not of the address', async () => {
    const failing = ((_: string, __: unknown, callback: (error: Error) => void) =>
      callback(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }))) as unknown as typeof lookup
    await expect(guardedFetch({ lookup: failing })('http://model.example/')).rejects.toMatchObject({
      cause: { code: 'ENOTFOUND' },
    })
  })

  it('of a model is refused as the model says', async () => {
    const { lookup } = resolving(['10.0.0.1'])
    const config = configFor('http://model.example/v1', { privateNetwork: false })
    const model = createLanguageModel('prose', config, { key: secret, fetch: guardedFetch({ lookup }) })
    const { error, partial } = await outcomeOf(model)
    expect(error).toMatchObject({ code: 'MODEL_ADDRESS_FORBIDDEN' })
    expect(partial).toEqual([])
  })

  it('of this machine is refused to a model without privateNetwork', async () => {
    let calls = 0
    await using server = await serving((_, response) => {
      calls += 1
      response.end()
    })
    for (const host of ['localhost', '127.0.0.1', '[::1]', '2130706433']) {
      const config = configFor(`http://${host}:${server.port}/v1`, { privateNetwork: false })
      const { error } = await outcomeOf(createLanguageModel('prose', config, { key: secret }))
      expect(error, host).toMatchObject({ code: 'MODEL_ADDRESS_FORBIDDEN' })
    }
    expect(calls).toBe(0)
  })
})

describe('an answer', () => {
  it.each([301, 302, 303, 307, 308])('that redirects (%i) is not followed', async status => {
    let calls = 0
    await using target = await serving((_, response) => {
      calls += 1
      response.end()
    })
    await using server = await serving((_, response) =>
      response.writeHead(status, { location: target.url }).end(),
    )
    const error = await refusalOf(server.url, { privateNetwork: true })
    expect(error.code).toBe('MODEL_REQUEST_REFUSED')
    expect(error.message).not.toContain(target.url)
    expect(calls).toBe(0)
  })

  it('is read up to its greatest size, unpacked, and its connection is closed', async () => {
    for (const isPacked of [false, true]) {
      const closed = later()
      await using server = await serving((_, response) => {
        response.once('close', closed.resolve)
        const bytes = Buffer.alloc(5_000_000, 'x')
        response.writeHead(200, isPacked ? { 'content-encoding': 'gzip' } : {})
        response.end(isPacked ? gzipSync(bytes) : bytes)
      })
      const response = await guardedFetch({ privateNetwork: true, maxBytes: 1_000_000 })(server.url)
      await expect(response.text()).rejects.toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
      await closed.promise
    }
  })

  it('of exactly the greatest size is whole', async () => {
    await using server = await serving((_, response) => response.end('x'.repeat(1_000)))
    const response = await guardedFetch({ privateNetwork: true, maxBytes: 1_000 })(server.url)
    expect(await response.text()).toHaveLength(1_000)
  })

  it('that refuses is read for its beginning', async () => {
    await using server = await serving((_, response) => {
      response.writeHead(500)
      response.end('x'.repeat(5_000_000))
    })
    const response = await guardedFetch({ privateNetwork: true })(server.url)
    expect(response.status).toBe(500)
    expect((await response.text()).length).toBe(262_144)
  })

  it('without a body is passed on', async () => {
    await using server = await serving((_, response) => response.writeHead(204).end())
    const response = await guardedFetch({ privateNetwork: true })(server.url)
    expect(response.status).toBe(204)
  })
})

describe('a request', () => {
  it('arrives as it was made, and asks for an answer that is not packed', async () => {
    const got: unknown[] = []
    await using server = await serving((request, response) => {
      const { method, headers } = request
      got.push({
        method,
        type: headers['content-type'],
        own: headers['x-own'],
        encoding: headers['accept-encoding'],
      })
      response.end()
    })
    await guardedFetch({ privateNetwork: true })(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-own': '1' },
      body: '{"text":"渡船"}',
    })
    expect(got).toEqual([{ method: 'POST', type: 'application/json', own: '1', encoding: 'identity' }])
  })

  it('ends with its signal, while it waits and while it is answered', async () => {
    for (const isAnswered of [false, true]) {
      const arrived = later()
      const closed = later()
      await using server = await serving((_, response) => {
        response.once('close', closed.resolve)
        if (isAnswered) response.write(events(chunk({ content: 'x' })))
        arrived.resolve()
      })
      const controller = new AbortController()
      const call = guardedFetch({ privateNetwork: true })(server.url, { signal: controller.signal })
      const text = call.then(response => response.text())
      await arrived.promise
      if (isAnswered) await call
      controller.abort()
      await expect(text).rejects.toThrow()
      await closed.promise
    }
  })
})
