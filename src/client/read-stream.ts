/** Reads server-sent events (WHATWG HTML, section 9.2) of a response, piece by piece. */

import { unreachable } from './errors.ts'

/** What a stream sends: an event, or with an empty `data` what carries none: the first id, and heartbeats. */
export interface Message {
  /** The last id that the stream sent; undefined before the first. */
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** Yields the messages until the stream ends. A message that is not whole when it does is left out. Throws SERVER_UNREACHABLE where it breaks. */
export async function* messagesOf(response: Response): AsyncGenerator<Message> {
  if (response.body === null) return
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let id: string | undefined
  try {
    for (;;) {
      const { done, value } = await reader
        .read()
        .catch(cause => Promise.reject(unreachable(cause, response.url)))
      if (done) return
      text += decoder.decode(value, { stream: true })
      const blocks = text.split(/\r?\n\r?\n/)
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const message = messageOf(block, id)
        id = message.id
        yield message
      }
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

function messageOf(block: string, idBefore: string | undefined): Message {
  let id = idBefore
  let event = 'message'
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'id') id = value
    else if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return { id, event, data: data.join('\n') }
}
