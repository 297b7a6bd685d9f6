import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { QuillworkError } from '../index.ts'

/** A file that is sent. */
export interface SentFile {
  path: string
  bytes: number
  /** Bytes on their way so far. */
  onBytes?: (sent: number) => void
}

/** Read at a time. */
const pieceBytes = 256 * 1_024

/**
 * Posts a file as it is. Only a piece of it is in memory at a time: the fetch of Node holds far more of a large one. Rejects when the
 * connection ends before an answer, and with FILE_UNREADABLE.
 */
export async function sendFile(
  url: string,
  file: SentFile,
  { headers, signal }: { headers: Record<string, string>; signal?: AbortSignal | undefined },
): Promise<{ status: number; text: string }> {
  const opened = await open(file.path).catch(cause => Promise.reject(unreadable(file.path, cause)))
  const request = new URL(url).protocol === 'https:' ? secureRequest : plainRequest
  const sending = request(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': file.bytes },
    ...(signal === undefined ? {} : { signal }),
  })
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>
  // The server may refuse before it has read everything; then its answer counts, not the broken pipe.
  const sent = pipeline(opened.createReadStream({ highWaterMark: pieceBytes }), counted(file), sending)
  for (const each of [answered, sent]) each.catch(() => undefined)
  const [response] = await Promise.race([answered, sent.then(() => answered)])
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return { status: response.statusCode ?? 0, text }
}

/** The error of a file that is not there, or may not be read. */
export function unreadable(path: string, cause: unknown): QuillworkError {
  const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read'
  return new QuillworkError('FILE_UNREADABLE', `${path} ${reason}.`, { cause })
}

function counted({ onBytes }: SentFile): Transform {
  let sent = 0
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      sent += piece.length
      onBytes?.(sent)
      done(null, piece)
    },
  })
}
