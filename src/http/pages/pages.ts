import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { methodNotAllowed, routeNotFound } from '../errors.ts'
import type { OidcSettings } from '../oidc/settings.ts'
import { noneMatchNames } from '../request-headers.ts'
import { chooseEncoding, type PageFile, type PagesFolder, readPages, weightsOf } from './folder.ts'

/** The web pages at addresses outside the API. They hold no data and use the API like any other client, so they are served without a token. */
export interface Pages {
  /** Returns whether the pages have an address that no route has, with any method. */
  answersFor(url: string): boolean
  /** Responds with a page or a file. Throws METHOD_NOT_ALLOWED for anything but GET and HEAD, ROUTE_NOT_FOUND where the pages were not built. */
  answer(request: FastifyRequest, reply: FastifyReply): void
}

/** Returns the pages of a folder, as it is now, with the sign-in of an identity provider where it has a client for them. Throws CONFIG_INVALID for one that is too large. */
export function createPages(folder: URL | string, oidc?: OidcSettings): Pages {
  const built = readPages(folder)
  const policy = policyFor(oidc?.clientId === undefined ? '' : new URL(oidc.issuer).origin)
  return {
    answersFor: url => placeOf(built, url) !== undefined,
    answer(request, reply) {
      const { method, headers } = request
      if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed('GET, HEAD')
      const place = placeOf(built, request.url)
      if (place === undefined || (place === 'page' && !takesHtml(headers.accept))) throw routeNotFound()
      if (built === undefined) throw notBuilt()
      if (place === 'page') sendIndex(built, reply, policy)
      else sendFile(place, headers, reply.header('content-security-policy', policy()))
    },
  }
}

/** Addresses that are never those of a page. */
const ofTheApi = /^\/(v1|healthz|readyz|metrics)(\/|$)/i

/** Returns what is at an address: a file, or a page, whose address only `index.html` understands; undefined: neither. */
function placeOf(built: PagesFolder | undefined, url: string): PageFile | 'page' | undefined {
  const parts = partsOf(url)
  if (parts === undefined) return undefined
  const path = `/${parts.join('/')}`
  if (ofTheApi.test(path)) return undefined
  const file = built?.files.get(path)
  if (file !== undefined) return file
  // A missing file is not a page: a script of an older build must fail, not be read as HTML.
  const [top = ''] = parts
  const isBelowFiles = parts.length > 1 && (built?.folders ?? assetsAlone).has(top)
  const isFile = parts.length === 1 && /\.[a-z\d]+$/i.test(top) && top !== 'index.html'
  return isBelowFiles || isFile ? undefined : 'page'
}

const assetsAlone: ReadonlySet<string> = new Set(['assets'])

/**
 * Returns the parts of the path of an address, decoded; undefined for paths that no link has, such as `//x`, `/../x` or `/.git`. An encoded
 * slash does not separate parts.
 */
function partsOf(url: string): string[] | undefined {
  const path = /^[^?#]*/.exec(url)?.[0] ?? ''
  try {
    const parts = path.slice(1).split('/').map(decodeURIComponent)
    const isPlain = path.startsWith('/') && parts.every(part => !/^\.|\p{Cc}/u.test(part))
    const isWhole = parts.every((part, at) => part !== '' || at === parts.length - 1)
    return isPlain && isWhole && !path.includes('\\') ? parts : undefined
  } catch {
    return undefined
  }
}

/** Returns whether a client takes HTML. One that asks for JSON meant the API, and gets ROUTE_NOT_FOUND. */
function takesHtml(accept: string | undefined): boolean {
  if (accept === undefined) return true
  const weights = weightsOf(accept)
  return ['text/html', 'text/*', '*/*'].some(type => (weights.get(type) ?? 0) > 0)
}

/** Sends `index.html` with a new nonce. It has no entity tag: a cached text would not match the nonce of the header. */
function sendIndex({ index }: PagesFolder, reply: FastifyReply, policy: Policy): void {
  const nonce = randomBytes(16).toString('base64url')
  reply
    .code(200)
    .headers({
      'content-security-policy': policy(`'nonce-${nonce}'`),
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-cache',
      vary: 'accept',
    })
    .type('text/html; charset=utf-8')
    .send(index.join(nonce))
}

function sendFile(file: PageFile, headers: FastifyRequest['headers'], reply: FastifyReply): void {
  const encoding = chooseEncoding(headers['accept-encoding']?.toString(), file.compressed.keys())
  const tag = encoding === undefined ? `"${file.tag}"` : `"${file.tag}-${encoding}"`
  reply.headers({
    'cache-control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: tag,
    ...defined({ vary: file.compressed.size === 0 ? undefined : 'accept-encoding' }),
  })
  if (noneMatchNames(headers['if-none-match'], tag)) {
    reply.code(304).send()
    return
  }
  if (encoding !== undefined) reply.header('content-encoding', encoding)
  const content = encoding === undefined ? file.content : file.compressed.get(encoding)
  reply.code(200).type(file.type).send(content)
}

type Policy = (nonce?: string) => string

/**
 * Returns what makes the content security policy: only the files of the pages may run or be shown. Workers have the policy of their script.
 *
 * @param issuer The origin of the identity provider, which the pages ask for tokens; empty for none.
 */
function policyFor(issuer: string): Policy {
  return (nonce = '') =>
    [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self' ${nonce}`.trim(),
      "img-src 'self' data: blob:",
      "font-src 'self'",
      `connect-src 'self' ${issuer}`.trim(),
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; ')
}

function notBuilt(): QuillworkError {
  return new QuillworkError(
    'ROUTE_NOT_FOUND',
    'The web pages were not built with this server; build them with `npm run build`. The API works; see /v1/openapi.json.',
  )
}
