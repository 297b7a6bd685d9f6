/** A broker that counts: one queue, consumers that hold one delivery each, and messages that take their time. */
import type { Published } from '../../../src/broker/broker.ts'
import type { Delivery } from '../../../src/store/store.ts'
import type { Life } from './store.ts'
import type { VirtualTime } from './time.ts'

type Give = (delivery: Delivery) => void

/** The one broker of a simulation. */
export class CountingBroker {
  /** Messages by kind. */
  readonly counts = { deliveries: 0, acknowledgements: 0, counts: 0, controls: 0, events: 0 }
  readonly #time: VirtualTime
  readonly #latencyMs: number
  #queue: Delivery[] = []
  #waiting: { life: Life; give: Give }[] = []
  #consumers = 0
  readonly #controls: ((partitions: readonly string[]) => void)[] = []
  readonly #ends: ((taskId: string) => void)[] = []

  constructor(time: VirtualTime, latencyMs: number) {
    this.#time = time
    this.#latencyMs = latencyMs
  }

  /** Puts deliveries into the queue, and confirms them. */
  async publish(deliveries: readonly Delivery[]): Promise<Published[]> {
    this.counts.deliveries += deliveries.length
    await this.#time.sleep(this.#time.about(this.#latencyMs / 2))
    this.#queue.push(...deliveries)
    this.#handOut()
    await this.#time.sleep(this.#time.about(this.#latencyMs / 2))
    return deliveries.map(() => 'confirmed')
  }

  consume(life: Life, slots: number, onDelivery: (delivery: Delivery, done: () => void) => void): void {
    this.#consumers += slots
    for (let slot = 0; slot < slots; slot++) this.#consumeNext(life, onDelivery)
    this.#handOut()
  }

  #consumeNext(life: Life, onDelivery: (delivery: Delivery, done: () => void) => void): void {
    const done = () => {
      this.counts.acknowledgements += 1
      this.#consumeNext(life, onDelivery)
      this.#handOut()
    }
    this.#waiting.push({ life, give: delivery => onDelivery(delivery, done) })
  }

  /** The connection of a process is gone: its slots get nothing more, and what they held goes back. */
  lost(slots: number, held: readonly Delivery[]): void {
    this.#consumers -= slots
    this.#waiting = this.#waiting.filter(({ life }) => !life.isDead)
    this.#queue.unshift(...held)
    this.#handOut()
  }

  #handOut(): void {
    while (this.#queue.length > 0 && this.#waiting.length > 0) {
      const [delivery, consumer] = [this.#queue.shift(), this.#waiting.shift()]
      if (delivery === undefined || consumer === undefined) return
      this.#time.after(this.#time.about(this.#latencyMs / 2), () => {
        if (!consumer.life.isDead) return consumer.give(delivery)
        this.#queue.unshift(delivery)
        this.#handOut()
      })
    }
  }

  /** A passive declare. */
  async checkQueue() {
    this.counts.counts += 1
    await this.#time.sleep(this.#time.about(this.#latencyMs))
    return { messageCount: this.#queue.length, consumerCount: this.#consumers }
  }

  onControl(listener: (partitions: readonly string[]) => void): void {
    this.#controls.push(listener)
  }

  control(partitions: readonly string[]): void {
    this.counts.controls += 1
    this.#time.after(this.#latencyMs, () => {
      for (const listener of this.#controls) listener(partitions)
    })
  }

  /** Calls back for the end of each task. */
  onEnds(listener: (taskId: string) => void): void {
    this.#ends.push(listener)
  }

  async publishEvents(events: number, ends: readonly string[]): Promise<void> {
    this.counts.events += events
    await this.#time.sleep(this.#time.about(this.#latencyMs))
    for (const listener of this.#ends) for (const taskId of ends) listener(taskId)
  }
}
