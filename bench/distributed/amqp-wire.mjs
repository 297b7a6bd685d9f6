import { cutter } from './frames.mjs'

/** The greeting of a client: `AMQP` and the version. */
const GREETING = 8
/** A frame's type, channel and size stand before its content, and one byte after it. */
const [HEAD, TAIL] = [7, 1]
const METHOD = 1

/** Methods that a queue's work consists of, by class and number (AMQP 0-9-1); others are told by their numbers. */
const METHODS = new Map([
  ['50.10', 'queue.declare'],
  ['50.11', 'queue.declare-ok'],
  ['50.20', 'queue.bind'],
  ['60.20', 'basic.consume'],
  ['60.21', 'basic.consume-ok'],
  ['60.30', 'basic.cancel'],
  ['60.31', 'basic.cancel-ok'],
  ['60.40', 'basic.publish'],
  ['60.50', 'basic.return'],
  ['60.60', 'basic.deliver'],
  ['60.80', 'basic.ack'],
  ['60.90', 'basic.reject'],
  ['60.120', 'basic.nack'],
])

/** Cuts one direction of a connection into frames. */
export function amqpFrames(onFrame, fromClient) {
  let greeted = !fromClient
  return cutter(
    bytes => {
      if (!greeted) return bytes.length < GREETING ? undefined : GREETING
      return bytes.length < HEAD ? undefined : HEAD + bytes.readUInt32BE(3) + TAIL
    },
    frame => {
      if (greeted) onFrame(frame)
      greeted = true
    },
  )
}

/** The method that a frame carries; undefined for a header, a body or a heartbeat. */
export function methodOf(frame) {
  if (frame[0] !== METHOD) return undefined
  const numbers = `${frame.readUInt16BE(HEAD)}.${frame.readUInt16BE(HEAD + 2)}`
  return METHODS.get(numbers) ?? numbers
}
