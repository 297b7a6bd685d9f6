const NOTHING = Buffer.alloc(0)

/**
 * Cuts a stream of bytes into messages. `lengthOf(bytes)` tells the length of the first message, or undefined where too little has
 * arrived to know it. Answers the function that takes the pieces as they come.
 */
export function cutter(lengthOf, onMessage) {
  let rest = NOTHING
  return piece => {
    let bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    for (;;) {
      const length = lengthOf(bytes)
      if (length === undefined || length > bytes.length) break
      onMessage(bytes.subarray(0, length))
      bytes = bytes.subarray(length)
    }
    rest = bytes
  }
}
