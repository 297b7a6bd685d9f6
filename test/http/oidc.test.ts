/** Tokens of an identity provider: which are taken, as whom, and what happens while the provider is away or changes its keys. */
import { randomBytes } from 'node:crypto'
import { exportSPKI, importJWK, type JWTPayload, SignJWT } from 'jose'
import { resolveHttpSettings } from 'quillwork/http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createOidc } from '../../src/http/oidc/oidc.ts'
import type { OidcOptions } from '../../src/http/oidc/settings.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { type Issuer, type SigningKey, signingKey, startIssuer } from './issuer.ts'

/** Epoch milliseconds of the store. */
const now = Date.parse('2026-03-01T12:00:00Z')
const seconds = now / 1_000
const audience = 'quillwork'
/** Claims that are taken, for somebody who writes. */
const good = { aud: audience, exp: seconds + 300, roles: ['author'] }

let keys: SigningKey[]
let issuer: Issuer
/** The clock by which the issuer is read again. */
let ticks = 0

beforeAll(async () => {
  keys = await Promise.all([
    signingKey('ec'),
    signingKey('rsa', 'RS256'),
    signingKey('ed', 'EdDSA'),
    signingKey('next'),
  ])
  const [ec, rsa, ed] = keys as [SigningKey, SigningKey, SigningKey]
  issuer = await startIssuer(ec, rsa, ed)
})
afterAll(() => issuer[Symbol.asyncDispose]())
beforeEach(() => {
  ticks = 0
  issuer.behaviour = 'well'
  issuer.asked.length = 0
  issuer.published.configuration = {
    issuer: issuer.url,
    jwks_uri: `${issuer.url}/keys`,
    authorization_endpoint: `${issuer.url}/authorize`,
    token_endpoint: `${issuer.url}/token`,
  }
  issuer.published.keys = keys.slice(0, 3).map(({ published }) => published)
})

function oidcOf(options: Partial<OidcOptions> = {}, timeoutMs?: number) {
  const { oidc } = resolveHttpSettings({ oidc: { issuer: issuer.url, audience, ...options } })
  if (oidc === undefined) throw new Error('There are no settings.')
  return createOidc({ settings: oidc, now: () => now, log: silentLog, ticks: () => ticks, timeoutMs })
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const keyNamed = (name: string) => keys.find(({ kid }) => kid === name) as SigningKey
const unauthenticated = (detail: RegExp) =>
  expect.objectContaining({ code: 'UNAUTHENTICATED', message: expect.stringMatching(detail) })
const away = expect.objectContaining({ code: 'IDENTITY_PROVIDER_UNAVAILABLE' })
const keysAsked = () => issuer.asked.filter(path => path === '/keys').length

describe('a token that is taken', () => {
  test.each(['ec', 'rsa', 'ed'])('is signed by the key %s', async kid => {
    const token = await issuer.sign({ ...good, iss: issuer.url }, {}, keyNamed(kid))
    expect(await oidcOf().identify(token)).toEqual({
      ...{ id: 'oidc:ann', name: 'ann', role: 'author', userId: 'ann', sees: 'own' },
    })
  })

  const path = { roleClaim: 'realm_access.roles' }
  const mapped = { roles: { 'studio-admins': 'admin', staff: 'viewer' } } as const
  test.each<[what: string, claims: JWTPayload, options: Partial<OidcOptions>, identity: object]>([
    ['one role as a text', { roles: 'viewer' }, {}, { role: 'viewer', sees: 'own' }],
    ['the highest of several', { roles: ['viewer', 'operator', 'x'] }, {}, { role: 'operator', sees: 'all' }],
    [
      'roles below a path',
      { roles: [], realm_access: { roles: ['admin'] } },
      path,
      { role: 'admin', sees: 'all' },
    ],
    [
      'a claim with dots',
      { 'https://id.example/r.s': 'viewer' },
      { roleClaim: 'https://id.example/r.s' },
      { role: 'viewer' },
    ],
    ['other names', { roles: ['staff', 'admin', 'studio-admins'] }, mapped, { role: 'admin' }],
    ['the default role', { roles: ['constructor'] }, { defaultRole: 'viewer' }, { role: 'viewer' }],
    [
      'no claim, and the default role',
      { roles: undefined },
      { ...path, defaultRole: 'author' },
      { role: 'author' },
    ],
    [
      'another user',
      { email: 'a@b.example' },
      { userClaim: 'email' },
      { userId: 'a@b.example', id: 'oidc:ann' },
    ],
    ['a name', { name: 'Ann B.', preferred_username: 'x' }, {}, { name: 'Ann B.' }],
    ['a name that is none', { name: 'a\u202eb', preferred_username: 'annb' }, {}, { name: 'annb' }],
    [
      'several audiences',
      { aud: ['other', audience] },
      { audience: ['quillwork', 'q2'] },
      { role: 'author' },
    ],
    ['a clock that is a little behind', { exp: seconds - 20, nbf: seconds + 20 }, {}, { role: 'author' }],
  ])('%s', async (_what, claims, options, identity) => {
    const given = Object.fromEntries(
      Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined),
    )
    expect(await oidcOf(options).identify(await issuer.sign(given))).toMatchObject(identity)
  })
})

describe('a token that is not taken', () => {
  const signed =
    (claims: JWTPayload, header = {}, kid = 'ec') =>
    () =>
      issuer.sign({ ...good, ...claims }, header, keyNamed(kid))
  const without = (name: string) => () =>
    issuer.sign(Object.fromEntries(Object.entries(good).filter(([key]) => key !== name)))
  const payload = () => encode({ ...good, iss: issuer.url, sub: 'ann' })

  test.each<[what: string, make: () => string | Promise<string>, detail: RegExp]>([
    ['none', () => `${encode({ alg: 'none', kid: 'ec' })}.${payload()}.`, /signed by "none"/],
    ['no algorithm', () => `${encode({ kid: 'ec' })}.${payload()}.${'a'.repeat(86)}`, /signed by undefined/],
    [
      'a shared secret that is the public key',
      async () => {
        const secret = new TextEncoder().encode(
          await exportSPKI((await importJWK(keyNamed('ec').published)) as never),
        )
        const claims = { ...good, iss: issuer.url, sub: 'ann' }
        return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'ec' }).sign(secret)
      },
      /signed by "HS256"/,
    ],
    [
      'an algorithm that is not that of its key',
      async () => {
        const [, claims, signature] = (await signed({})()).split('.')
        return `${encode({ alg: 'RS256', kid: 'ec' })}.${claims}.${signature}`
      },
      /key that the issuer does not have/,
    ],
    ['another audience', signed({ aud: 'other' }), /claim aud/],
    ['no audience', without('aud'), /claim aud/],
    ['expired', signed({ exp: seconds - 31 }), /expired/],
    ['no end', without('exp'), /claim exp/],
    ['an end that is no number', signed({ exp: 'never' as never }), /claim exp/],
    ['not yet', signed({ nbf: seconds + 31 }), /claim nbf/],
    ['no subject', signed({ sub: '' }), /claim sub/],
    ['an unknown key', signed({}, { kid: 'unknown' }), /key that the issuer does not have/],
    ['no key', signed({}, { kid: undefined }), /does not name its key/],
    ['another key of that name', signed({}, { kid: 'ec' }, 'next'), /not signed by the issuer/],
    [
      'changed claims',
      async () => {
        const [header, , signature] = (await signed({})()).split('.')
        return `${header}.${encode({ ...good, iss: issuer.url, sub: 'eve' })}.${signature}`
      },
      /not signed by the issuer/,
    ],
    ['another kind', signed({}, { typ: 'logout+jwt' }), /another kind/],
    ['huge', async () => `${await signed({ filler: 'x'.repeat(1_000_000) })()}x`, /not signed by the issuer/],
    ['no role', signed({ roles: ['visitor'] }), /none of the roles/],
    ['a role that every object has', signed({ roles: ['toString', '__proto__'] }), /none of the roles/],
    ['no user', signed({ sub: 'x'.repeat(201) }), /names no user/],
    ['a user with a line end', signed({ sub: 'an\nn' }), /names no user/],
  ])('%s', async (_what, make, detail) => {
    await expect(oidcOf().identify(await make())).rejects.toEqual(unauthenticated(detail))
  })

  test('one that has expired says so to the pages', async () => {
    const token = await issuer.sign({ ...good, exp: seconds - 60 })
    await expect(oidcOf().identify(token)).rejects.toMatchObject({ details: { ended: 'expired' } })
  })

  test('what is no token of the issuer is for others, and asks the issuer for nothing', async () => {
    const oidc = oidcOf()
    const other = await issuer.sign({ ...good, iss: 'https://id.example' })
    const texts = [
      'garbage',
      'a.b.c',
      'a.b',
      '...',
      '',
      `qwk_${'0'.repeat(16)}`,
      other,
      `${encode([])}.${encode([])}.a`,
    ]
    for (const text of [...texts, randomBytes(300).toString('latin1')])
      expect(await oidc.identify(text), text).toBeUndefined()
    expect(issuer.asked).toEqual([])
  })
})

describe('the keys of the issuer', () => {
  const byNext = () => issuer.sign(good, {}, keyNamed('next'))

  test('a new one is found, and what names unknown ones has them read once a minute', async () => {
    const oidc = oidcOf()
    const token = await byNext()
    await expect(oidc.identify(token)).rejects.toEqual(unauthenticated(/does not have/))
    issuer.published.keys = [keyNamed('next').published]
    const guesses = await Promise.all([1, 2, 3].map(n => issuer.sign(good, { kid: `guess-${n}` })))
    for (const guess of guesses)
      await expect(oidc.identify(guess)).rejects.toEqual(unauthenticated(/does not have/))
    expect(keysAsked()).toBe(1)
    ticks += 60_000
    const both = await Promise.allSettled([
      oidc.identify(token),
      ...guesses.map(guess => oidc.identify(guess)),
    ])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
    expect(keysAsked()).toBe(2)
    await expect(oidc.identify(await issuer.sign(good))).rejects.toEqual(unauthenticated(/does not have/))
  })

  test('known ones go on being used while the issuer is away; what names another one is told so', async () => {
    const oidc = oidcOf()
    const token = await issuer.sign(good)
    await oidc.identify(token)
    issuer.behaviour = 'fails'
    ticks += 600_000
    expect(await oidc.identify(token)).toMatchObject({ id: 'oidc:ann' })
    await expect(oidc.identify(await byNext())).rejects.toEqual(away)
    ticks += 86_400_000
    expect(await oidc.identify(token)).toMatchObject({ id: 'oidc:ann' })
    await expect(oidc.identify(await byNext())).rejects.toEqual(away)
  })

  test('one that is withdrawn is refused after ten minutes, however long nobody asked', async () => {
    const oidc = oidcOf()
    const token = await issuer.sign(good)
    await oidc.identify(token)
    issuer.published.keys = [keyNamed('next').published]
    ticks += 599_999
    expect(await oidc.identify(token)).toMatchObject({ id: 'oidc:ann' })
    ticks += 1
    await expect(oidc.identify(token)).rejects.toEqual(unauthenticated(/does not have/))
  })

  test.each<[what: string, behave: () => void]>([
    ['fails', () => Object.assign(issuer, { behaviour: 'fails' })],
    ['leads elsewhere', () => Object.assign(issuer, { behaviour: 'redirects' })],
    ['never answers', () => Object.assign(issuer, { behaviour: 'never' })],
    ['is another one', () => Object.assign(issuer.published.configuration, { issuer: 'https://id.example' })],
    ['differs by a slash', () => Object.assign(issuer.published.configuration, { issuer: `${issuer.url}/` })],
    [
      'has keys unencrypted',
      () => Object.assign(issuer.published.configuration, { jwks_uri: 'http://id.example/' }),
    ],
    [
      'has keys in a file',
      () => Object.assign(issuer.published.configuration, { jwks_uri: 'file:///etc/passwd' }),
    ],
    ['says too much', () => Object.assign(issuer.published.configuration, { filler: 'x'.repeat(600_000) })],
    ['has no list of keys', () => Object.assign(issuer.published, { keys: 'none' })],
  ])(
    'where the issuer %s, nobody is let in and nobody is called wrong, until it is well',
    async (_what, behave) => {
      const oidc = oidcOf({}, 200)
      const token = await issuer.sign(good)
      behave()
      await expect(oidc.identify(token)).rejects.toEqual(away)
      const asked = issuer.asked.length
      await expect(oidc.identify(token), 'not asked again at once').rejects.toEqual(away)
      expect(issuer.asked).toHaveLength(asked)
    },
  )

  test('an issuer that is back is read after five seconds', async () => {
    const oidc = oidcOf()
    issuer.behaviour = 'fails'
    const token = await issuer.sign(good)
    await expect(oidc.identify(token)).rejects.toEqual(away)
    issuer.behaviour = 'well'
    ticks += 5_000
    expect(await oidc.identify(token)).toMatchObject({ id: 'oidc:ann' })
  })
})

describe('how the pages sign in', () => {
  const signIn = { clientId: 'pages', audience: ['pages', 'api'] }

  test('by the endpoints of the issuer, with the token that is made for this server', async () => {
    const { url } = issuer
    expect(await oidcOf(signIn).signIn()).toEqual({
      ...{ issuer: url, clientId: 'pages', scope: 'openid profile', sends: 'id_token' },
      ...{ authorizationEndpoint: `${url}/authorize`, tokenEndpoint: `${url}/token` },
    })
    expect(await oidcOf({ ...signIn, audience: 'api' }).signIn()).toMatchObject({ sends: 'access_token' })
    expect(await oidcOf().signIn(), 'without a client').toBeUndefined()
  })

  test('not where an endpoint is elsewhere, for no page may ask anybody else', async () => {
    Object.assign(issuer.published.configuration, { token_endpoint: 'https://evil.example/token' })
    expect(await oidcOf(signIn).signIn()).toBeUndefined()
  })
})

describe('the settings', () => {
  const settings = { issuer: 'https://id.example/realms/studio', audience }
  test.each<[options: object, place: string]>([
    [{ issuer: 'http://id.example' }, 'issuer'],
    [{ issuer: 'http://127.0.0.1.id.example' }, 'issuer'],
    [{ issuer: 'http://192.168.1.5' }, 'issuer'],
    [{ issuer: 'https://user:password@id.example' }, 'issuer'],
    [{ issuer: 'https://id.example/?a' }, 'issuer'],
    [{ issuer: 'id.example' }, 'issuer'],
    [{ issuer: 'file:///etc' }, 'issuer'],
    [{ audience: '' }, 'audience'],
    [{ audience: [] }, 'audience'],
    [{ defaultRole: 'king' }, 'defaultRole'],
    [{ roles: { staff: 'king' } }, 'roles.staff'],
    [{ scope: 'profile' }, 'scope'],
    [{ clientSecret: 'x' }, 'oidc'],
  ])('%j is refused', (options, place) => {
    expect(() => resolveHttpSettings({ oidc: { ...settings, ...options } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(place) }),
    )
  })

  test.each(['http://localhost:8080', 'http://127.0.0.1:8080/a', 'http://[::1]:8080', 'https://id.example/'])(
    'the issuer %s is taken as it is',
    given => {
      expect(resolveHttpSettings({ oidc: { ...settings, issuer: given } }).oidc?.issuer).toBe(given)
    },
  )
})
