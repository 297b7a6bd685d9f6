import { spawnSync } from 'node:child_process'
import type { LookupAddress, lookup as systemLookup } from 'node:dns'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { guardedSend, requireAllowed, type SendOptions } from '../../src/webhooks/send.ts'
import { newSecret, signaturesOf } from '../../src/webhooks/sign.ts'
import { blocksOf } from '../docs/markdown.ts'
import { startReceiver, status } from './receiver.ts'

const local: SendOptions = { privateHosts: ['127.0.0.1', 'hooks.internal'], timeoutMs: 300 }

function sending(url: string) {
  return { url, headers: { 'webhook-id': 'x' }, body: '{}', signal: new AbortController().signal }
}

/** Resolves every name to these addresses. */
function lookup(...addresses: string[]): typeof systemLookup {
  const found: LookupAddress[] = addresses.map(address => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }))
  return ((_name: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) =>
    setImmediate(() => callback(null, found))) as unknown as typeof systemLookup
}

describe('the signature', () => {
  const signed = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1_614_265_330,
    body: '{"test": 2432232314}',
  }
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const vector = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

  test('is that of the vector which Standard Webhooks publishes', () => {
    // As in the tests of the libraries at https://github.com/standard-webhooks/standard-webhooks.
    expect(signaturesOf(signed, [secret])).toMatch(/^v1,[\w+/]{43}=$/)
    expect(signaturesOf(signed, [secret])).toBe(vector)
  })

  test('is made by each secret that is valid, and a secret is 32 random bytes', () => {
    const other = newSecret()
    expect(other).toMatch(/^whsec_[\w+/]{43}=$/)
    expect(newSecret()).not.toBe(other)
    expect(signaturesOf(signed, [other, secret]).split(' ')).toEqual([signaturesOf(signed, [other]), vector])
  })
})

describe('the receivers of docs/webhooks.md', () => {
  const secrets = [newSecret(), newSecret()] as const
  const body = '{"type":"test","text":"一"}'
  const at = (timestamp: number) => ({
    'webhook-id': 'a/completed/1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signaturesOf({ id: 'a/completed/1', timestamp, body }, secrets),
  })
  const now = Math.floor(Date.now() / 1_000)
  /** Signatures in another order, under the name of another scheme, cut short, or none. */
  const signatures = (timestamp: number): [string, boolean][] => {
    const [own = '', other = ''] = at(timestamp)['webhook-signature'].split(' ')
    const foreign = own.replace('v1,', 'v1a,')
    return [
      [`${other} ${own}`, true],
      [`${foreign} ${other} ${own}`, true],
      [foreign, false],
      [`${foreign} ${other}`, false],
      [own.replace('v1,', 'v2,'), false],
      [own.slice(0, -8), false],
      [own.replace('v1,', ''), false],
      ['v1,', false],
      ['', false],
    ]
  }
  const cases = [
    { headers: at(now), body, secret: secrets[0], taken: true },
    { headers: at(now), body, secret: secrets[1], taken: true },
    { headers: at(now), body, secret: newSecret(), taken: false },
    { headers: at(now), body: `${body} `, secret: secrets[0], taken: false },
    { headers: { ...at(now), 'webhook-id': 'b' }, body, secret: secrets[0], taken: false },
    { headers: at(now - 400), body, secret: secrets[0], taken: false },
    { headers: at(now + 400), body, secret: secrets[0], taken: false },
    { headers: { ...at(now), 'webhook-timestamp': `${now - 1}` }, body, secret: secrets[0], taken: false },
    ...signatures(now).map(([signature, taken]) => ({
      ...{ headers: { ...at(now), 'webhook-signature': signature }, body, secret: secrets[0], taken },
    })),
  ]
  const blocks = blocksOf(readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8'))
  const codeIn = (wanted: string) => blocks.find(({ language }) => language === wanted)?.text ?? ''

  test('in JavaScript take what is signed, and nothing else', async () => {
    const code = `data:text/javascript,${encodeURIComponent(codeIn('js'))}`
    const { isFromQuillwork } = await import(/* @vite-ignore */ code)
    for (const { headers, taken, ...each } of cases)
      expect(isFromQuillwork(headers, each.body, each.secret)).toBe(taken)
  })

  test.skipIf(spawnSync('python3', ['--version']).status !== 0)('in Python do the same', () => {
    const program = `${codeIn('python')}
import json, sys
print(json.dumps([is_from_quillwork(c["headers"], c["body"].encode(), c["secret"]) for c in json.load(sys.stdin)]))`
    const { stdout } = spawnSync('python3', ['-c', program], {
      input: JSON.stringify(cases),
      encoding: 'utf8',
    })
    expect(JSON.parse(stdout)).toEqual(cases.map(({ taken }) => taken))
  })
})

describe('the address of a webhook', () => {
  test.each([
    'http://hooks.example/x',
    'http://93.184.215.14/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://0.0.0.0/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://224.0.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://[ff02::1]/',
    'https://[2002:7f00:1::]/',
    'https://user:password@hooks.example/',
    'ftp://hooks.example/',
    'file:///etc/passwd',
    'hooks.example',
    '',
  ])('%s is refused', url => {
    expect(() => requireAllowed(url, {})).toThrow(
      expect.objectContaining({ code: 'WEBHOOK_ADDRESS_FORBIDDEN' }),
    )
  })

  test.each(['https://hooks.example/x', 'https://93.184.215.14/', 'https://[2606:2800:21f:cb07::1]:8443/x'])(
    '%s is taken',
    url => expect(requireAllowed(url, {}).href).toBe(url),
  )

  test.each([
    'http://127.0.0.1:99/',
    'https://127.0.0.1/',
    'http://hooks.internal/',
    'https://HOOKS.internal./',
  ])('%s is taken where the setting names its host', url =>
    expect(requireAllowed(url, local)).toBeInstanceOf(URL),
  )

  test('that the setting names may not be that of a service which hands out credentials', () => {
    const options = { privateHosts: ['169.254.169.254'] }
    expect(() => requireAllowed('http://169.254.169.254/', options)).toThrow('may not be called')
  })

  test.each([
    ['https://hooks.example/', ['127.0.0.1']],
    ['https://localhost./', ['127.0.0.1', '::1']],
    ['https://hooks.example/', ['10.0.0.7', '169.254.169.254', '::ffff:10.0.0.7', 'fd00::1']],
    ['http://hooks.internal/', ['93.184.215.14']],
    ['http://hooks.internal/', ['169.254.169.254']],
  ])('%s that leads to %s is not connected to', async (url, addresses) => {
    const send = guardedSend({ ...local, lookup: lookup(...addresses) })
    await expect(send(sending(url))).rejects.toMatchObject({ code: 'WEBHOOK_ADDRESS_FORBIDDEN' })
  })

  test('is connected to at the address that was checked', async () => {
    await using receiver = await startReceiver()
    const send = guardedSend({ ...local, lookup: lookup('169.254.169.254', '127.0.0.1') })
    const url = receiver.url.replace('127.0.0.1', 'hooks.internal')
    expect(await send(sending(url))).toEqual({ status: 204 })
    expect(receiver.received[0]?.headers.host).toMatch(/^hooks\.internal:/)
  })
})

describe('a request', () => {
  test('follows no redirect, and reads only the head of an answer', async () => {
    await using other = await startReceiver()
    await using receiver = await startReceiver(status(301, { location: other.url }), response => {
      // Without an end.
      response.writeHead(200)
      const more = () => response.write('x'.repeat(1_000_000), more)
      more()
    })
    const send = guardedSend(local)
    expect(await send(sending(receiver.url))).toEqual({ status: 301 })
    expect(await send(sending(receiver.url))).toEqual({ status: 200 })
    expect(other.received).toEqual([])
  })

  test('ends after its time, also of an answer with a head that is too large or is none', async () => {
    await using receiver = await startReceiver(
      () => undefined,
      status(200, { 'x-long': 'x'.repeat(20_000) }),
      response => void response.socket?.end('no HTTP'),
      response =>
        void response.socket?.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    )
    const send = guardedSend(local)
    const undelivered = { code: 'WEBHOOK_UNDELIVERED' }
    await expect(send(sending(receiver.url))).rejects.toMatchObject({
      ...undelivered,
      message: expect.stringContaining('no answer within 0.3 s'),
    })
    await expect(send(sending(receiver.url))).rejects.toMatchObject(undelivered)
    await expect(send(sending(receiver.url))).rejects.toMatchObject(undelivered)
    await expect(send(sending(receiver.url))).rejects.toMatchObject(undelivered)
    await expect(send(sending('http://127.0.0.1:9/'))).rejects.toThrow('ECONNREFUSED')
  })

  test('ends with the attempt', async () => {
    await using receiver = await startReceiver(() => undefined)
    const aborted = AbortSignal.abort(new Error('cancelled'))
    const sent = guardedSend(local)({ ...sending(receiver.url), signal: aborted })
    await expect(sent).rejects.toThrow('cancelled')
  })
})
