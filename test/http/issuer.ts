/** An identity provider for tests: a small server on the loopback that publishes keys, and signs tokens and people in. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'

/** A key of the issuer. */
export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly published: JWK
}

/** Makes a key. */
export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, published: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** An issuer that listens. */
export interface Issuer extends AsyncDisposable {
  readonly url: string
  /** What it publishes; a test may change it. */
  readonly published: { configuration: Record<string, unknown>; keys: JWK[] }
  /** How it answers. */
  behaviour: 'well' | 'never' | 'fails' | 'redirects'
  /** Paths that it was asked for. */
  readonly asked: string[]
  /** The claims of those who sign in by a browser. */
  claims: JWTPayload
  /** Signs claims by a key of its own, with `iss` and `sub` where they are not given. */
  sign(
    claims: JWTPayload,
    header?: { kid?: string | undefined; typ?: string },
    key?: SigningKey,
  ): Promise<string>
}

/** Starts an issuer with one key, or with these. */
export async function startIssuer(first?: SigningKey, ...more: SigningKey[]): Promise<Issuer> {
  const key = first ?? (await signingKey('key-1'))
  const server = createServer((request, response) => void answer(request, response))
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  /** Codes that were given out, with what they are good for. */
  const codes = new Map<string, URLSearchParams>()
  const issuer: Issuer = {
    url,
    published: {
      configuration: {
        issuer: url,
        jwks_uri: `${url}/keys`,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
      },
      keys: [key, ...more].map(({ published }) => published),
    },
    behaviour: 'well',
    asked: [],
    claims: { sub: 'ann' },
    sign(claims, header = {}, { alg, kid, privateKey } = key) {
      // A test may leave the name of the key out, too.
      const protectedHeader = { alg, kid, typ: 'JWT', ...header } as JWTHeaderParameters
      return new SignJWT({ iss: url, sub: 'ann', ...claims })
        .setProtectedHeader(protectedHeader)
        .sign(privateKey)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', url)
    issuer.asked.push(pathname)
    const json = (status: number, body: unknown) =>
      void response
        .writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' })
        .end(JSON.stringify(body))
    if (issuer.behaviour === 'never') return
    if (issuer.behaviour === 'fails') return json(500, {})
    if (issuer.behaviour === 'redirects')
      return void response.writeHead(302, { location: `${url}/keys` }).end()
    if (pathname.endsWith('/.well-known/openid-configuration'))
      return json(200, issuer.published.configuration)
    if (pathname === '/keys') return json(200, { keys: issuer.published.keys })
    if (pathname === '/authorize') {
      const code = `code-${codes.size}`
      codes.set(code, searchParams)
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      back.search = `${new URLSearchParams({ code, state: searchParams.get('state') ?? '', iss: url })}`
      return void response.writeHead(303, { location: `${back}` }).end()
    }
    const sent = new URLSearchParams(await text(request))
    const asked = codes.get(sent.get('code') ?? '')
    codes.delete(sent.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(sent.get('code_verifier') ?? '')
      .digest('base64url')
    const isSame = (name: string) => asked?.get(name) === sent.get(name)
    if (asked?.get('code_challenge') !== challenge || !isSame('redirect_uri') || !isSame('client_id'))
      return json(400, { error: 'invalid_grant' })
    const claims = { aud: asked.get('client_id') ?? '', nonce: asked.get('nonce'), ...issuer.claims }
    json(200, { token_type: 'Bearer', access_token: 'opaque', id_token: await issuer.sign(claims) })
  }
  return issuer
}
