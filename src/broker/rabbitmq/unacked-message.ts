import type { Channel, ConsumeMessage } from 'amqplib'

/** A message that this process has and the broker waits to hear of. It is answered for once; what comes later is not said. */
export class UnackedMessage {
  readonly message: ConsumeMessage
  readonly channel: Channel
  #answered = false
  #timer: NodeJS.Timeout | undefined

  constructor(message: ConsumeMessage, channel: Channel) {
    this.message = message
    this.channel = channel
  }

  get isAnswered(): boolean {
    return this.#answered
  }

  /** Calls back when the message has been unacknowledged for `ms` milliseconds. */
  after(ms: number, callback: () => void): void {
    this.#timer = setTimeout(callback, ms).unref()
  }

  /** The broker may forget it. */
  ack(): void {
    this.#answer(() => this.channel.ack(this.message))
  }

  /** It goes where dead letters go. */
  deadLetter(): void {
    this.#answer(() => this.channel.nack(this.message, false, false))
  }

  /** It goes back to its queue, for somebody else. */
  giveBack(): void {
    this.#answer(() => this.channel.nack(this.message, false, true))
  }

  #answer(say: () => void): void {
    if (this.#answered) return
    this.#answered = true
    clearTimeout(this.#timer)
    try {
      say()
    } catch {
      // The channel is gone, so the broker has given the message to another.
    }
  }
}
