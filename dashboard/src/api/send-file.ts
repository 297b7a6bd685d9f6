import { ApiError, errorOf, requestHeaders } from './client.ts'
import type { components } from './schema.ts'
import { tokenWasRefused } from './token.ts'

/** A file that the server has, before it is a novel. */
export type Upload = components['schemas']['Upload']

/** Endings of files that a novel can be in, as a file chooser takes them. */
export const acceptedEndings = '.txt,.md,.markdown,.epub,.docx,.odt,.rtf,.html,.htm,.xhtml,.zip,.quillwork'

/** How a file is sent. */
export interface SendOptions {
  signal: AbortSignal
  /** Called as bytes leave. */
  onProgress: (sentBytes: number) => void
}

/** A connection over which nothing went for so long counts as broken. */
const silenceMs = 60_000

/**
 * Sends a file as it is. `fetch` does not report how much of a body has left, XMLHttpRequest does. Rejects with ApiError: refused, `OFFLINE`
 * (no answer), `FILE_UNREADABLE` (the browser cannot read it any more); and with the signal's reason.
 */
export async function sendFile(file: File, { signal, onProgress }: SendOptions): Promise<Upload> {
  signal.throwIfAborted()
  await checkReadable(file)
  const request = new XMLHttpRequest()
  const answer = answerOf(request, signal, onProgress)
  request.open('POST', `/v1/uploads?fileName=${encodeURIComponent(file.name)}`)
  const headers = requestHeaders()
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
  request.setRequestHeader('content-type', 'application/octet-stream')
  request.send(file)
  const { status, body } = await answer
  if (status === 201) return body as Upload
  if (status === 401) tokenWasRefused(headers['authorization']?.replace('Bearer ', ''), body)
  throw errorOf(status, body)
}

/** Throws where the browser cannot read a file, such as a folder, or a file that was moved: sending it would seem to be a broken connection. */
async function checkReadable(file: File): Promise<void> {
  try {
    await file.slice(0, 1).arrayBuffer()
  } catch {
    throw new ApiError(0, 'FILE_UNREADABLE', '')
  }
}

function answerOf(
  request: XMLHttpRequest,
  signal: AbortSignal,
  onProgress: (sentBytes: number) => void,
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const giveUp = () => request.abort()
    let timer = setTimeout(giveUp, silenceMs)
    signal.addEventListener('abort', giveUp)
    request.upload.addEventListener('progress', ({ loaded }) => {
      clearTimeout(timer)
      timer = setTimeout(giveUp, silenceMs)
      onProgress(loaded)
    })
    request.addEventListener('load', () => resolve({ status: request.status, body: bodyOf(request) }))
    request.addEventListener('error', () => reject(new ApiError(0, 'OFFLINE', '')))
    request.addEventListener('abort', () => reject(signal.reason ?? new ApiError(0, 'OFFLINE', '')))
    request.addEventListener('loadend', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    })
  })
}

function bodyOf(request: XMLHttpRequest): unknown {
  try {
    return JSON.parse(request.responseText)
  } catch {
    return undefined
  }
}
