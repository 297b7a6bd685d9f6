import { BSON } from 'mongodb'
import { cutter } from './frames.mjs'

const { parseToElements } = BSON.onDemand

/** Length, request, answered request and kind of message stand before its content. */
const HEAD = 16
const OP_MSG = 2013
/** A message's flags stand before its sections. */
const FLAGS = 4
const CHECKSUM_PRESENT = 1
/** The fields of a command that hold what it writes, one entry for each document or statement. */
const WRITES = new Set(['documents', 'updates', 'deletes', 'ops'])

/** Cuts what a client sends into messages. */
export function mongoMessages(onMessage) {
  return cutter(bytes => (bytes.length < HEAD ? undefined : bytes.readInt32LE(0)), onMessage)
}

/** The name of the command that a message carries, and how many documents it writes or statements it holds. */
export function commandOf(message) {
  // The greeting of a new connection may have an older form.
  if (message.readInt32LE(12) !== OP_MSG) return { name: 'hello', writes: 0 }
  const end = message.length - (message.readUInt32LE(HEAD) & CHECKSUM_PRESENT ? 4 : 0)
  let name = ''
  let writes = 0
  for (let at = HEAD + FLAGS; at < end; ) {
    const isBody = message[at] === 0
    const size = message.readInt32LE(at + 1)
    const section = message.subarray(at + 1, at + 1 + size)
    if (isBody) {
      const body = readBody(section)
      name = body.name
      writes += body.writes
    } else writes += countSequence(section)
    at += 1 + size
  }
  return { name, writes: name === 'findAndModify' ? 1 : writes }
}

/** The first field of a command names it. */
function readBody(section) {
  let name
  let writes = 0
  for (const [, nameAt, nameLength, valueAt] of parseToElements(section)) {
    const field = section.toString('latin1', nameAt, nameAt + nameLength)
    name ??= field
    if (WRITES.has(field)) writes += parseToElements(section, valueAt).length
  }
  return { name, writes }
}

/** Documents sent beside the command: a name that ends with 0, then one document after the other. */
function countSequence(section) {
  const nameEnds = section.indexOf(0, 4)
  if (!WRITES.has(section.toString('latin1', 4, nameEnds))) return 0
  let count = 0
  for (let at = nameEnds + 1; at < section.length; at += section.readInt32LE(at)) count += 1
  return count
}
