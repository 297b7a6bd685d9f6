import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { chooseEncoding, type Encoding } from './pages/folder.ts'

/** Shorter answers fit into one packet as they are. UTF-16 code units. */
const shortest = 1_400

/** What is compressed: JSON, and the metrics. Files and streams are sent as they are. */
const compressible = /^(application\/(problem\+)?json|text\/plain)\b/

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

/** Off the event loop, in the threads of Node. */
const compress: Record<Encoding, (text: string) => Promise<Buffer>> = {
  // Quality 4 takes as long as gzip; the default of 11 takes fifty times that.
  br: text => brotli(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: text => gzipped(text),
}

/** Has longer answers compressed for clients that say they read it. The entity tag stays: it is the version, however that is sent. */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const type = String(reply.getHeader('content-type') ?? '')
    if (typeof payload !== 'string' || payload.length < shortest || !compressible.test(type))
      return done(null, payload)
    reply.header('vary', [reply.getHeader('vary') ?? [], 'accept-encoding'].flat().join(', '))
    const encoding = chooseEncoding(request.headers['accept-encoding']?.toString(), ['br', 'gzip'])
    if (encoding === undefined || reply.hasHeader('content-encoding')) return done(null, payload)
    compress[encoding](payload).then(content => {
      reply.header('content-encoding', encoding).removeHeader('content-length')
      done(null, content)
    }, done)
  })
}
