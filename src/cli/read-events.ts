/** One event of a stream of server-sent events. */
export interface ServerEvent {
  /** The last id that the stream gave; empty before the first. */
  id: string
  event: string
  /** JSON text. */
  data: string
}

/** Reads server-sent events (WHATWG HTML, section 9.2), as this API writes them: each ends with an empty line. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let text = ''
  let id = ''
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = fieldsOf(block)
      id = fields.get('id') ?? id
      const data = fields.get('data')
      if (data !== undefined) yield { id, event: fields.get('event') ?? 'message', data }
    }
  }
}

function fieldsOf(block: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(colon + 1)
    fields.set(line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value)
  }
  return fields
}
