/**
 * Counts what this process says to MongoDB and RabbitMQ, on the wire: the same for everything measured, whatever driver it uses and
 * wherever it makes its connections. Import it before a connection is made.
 */
import { subscribe } from 'node:diagnostics_channel'
import { amqpFrames, methodOf } from './amqp-wire.mjs'
import { commandOf, mongoMessages } from './mongo-wire.mjs'

/** What the drivers say on their own account: they look after their connections. */
const UPKEEP = new Set(['hello', 'isMaster', 'ismaster', 'endSessions'])

const counts = { mongodb: {}, statements: {}, sent: {}, received: {} }
const sockets = new Set()

// Not at once: connecting gives a socket its own `write` back. A driver says nothing before it is connected.
subscribe('net.client.socket', ({ socket }) => socket.once('connect', () => watch(socket)))

/**
 * The counts so far: `mongodb` commands by name, `statements` what is in those that write (documents inserted, updates,
 * deletes) by name, `sent` and `received` AMQP methods by
 * name. Throws when bytes were sent past the counter.
 */
export function counted() {
  for (const { socket, seen } of sockets) {
    if (seen() !== socket.bytesWritten) throw new Error('bytes were sent that the counter has not seen')
  }
  return structuredClone(counts)
}

/** What was counted between two counts, divided by `by`; without what stayed the same. */
export function perEach(before, after, by) {
  const share = kind =>
    Object.entries(after[kind])
      .map(([name, count]) => [name, (count - (before[kind][name] ?? 0)) / by])
      .filter(([, count]) => count > 0)
  return Object.fromEntries(Object.keys(after).map(kind => [kind, Object.fromEntries(share(kind))]))
}

/** The sums of several processes' counts. */
export function addCounts(all) {
  const sum = { mongodb: {}, statements: {}, sent: {}, received: {} }
  for (const one of all)
    for (const [kind, byName] of Object.entries(one))
      for (const [name, count] of Object.entries(byName)) sum[kind][name] = (sum[kind][name] ?? 0) + count
  return sum
}

/** The sum of all names of a kind. */
export function total(byName) {
  return Object.values(byName).reduce((sum, count) => sum + count, 0)
}

/** Which protocol a connection speaks is told by its first byte: AMQP's greeting begins with its name. */
function watch(socket) {
  let bytes = 0
  let protocol
  const write = socket.write
  socket.write = function (chunk, ...rest) {
    const buffer = typeof chunk === 'string' ? Buffer.from(chunk, rest[0]) : chunk
    bytes += buffer.length
    protocol ??= buffer[0] === 0x41 ? amqp() : mongodb()
    protocol.sent(buffer)
    return write.call(this, chunk, ...rest)
  }
  const push = socket.push
  socket.push = function (chunk, encoding) {
    if (chunk !== null) protocol?.received(chunk)
    return push.call(this, chunk, encoding)
  }
  const entry = { socket, seen: () => bytes }
  sockets.add(entry)
  socket.once('close', () => sockets.delete(entry))
}

function amqp() {
  const count = kind => frame => {
    const method = methodOf(frame)
    if (method !== undefined) add(kind, method, 1)
  }
  return { sent: amqpFrames(count('sent'), true), received: amqpFrames(count('received'), false) }
}

function mongodb() {
  const sent = mongoMessages(message => {
    const { name, writes } = commandOf(message)
    if (UPKEEP.has(name)) return
    add('mongodb', name, 1)
    add('statements', name, writes)
  })
  return { sent, received: () => undefined }
}

function add(kind, name, count) {
  if (count > 0) counts[kind][name] = (counts[kind][name] ?? 0) + count
}
