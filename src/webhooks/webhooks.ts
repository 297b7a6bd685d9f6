/** Subscriptions to the ends of tasks: made, changed, and read by what delivers. They are kept in the store, their secrets encrypted. */
import { randomUUID } from 'node:crypto'
import { QuillworkError, type Store, type TaskRecord } from '../index.ts'
import { erase, getOne, insert, type Records, replace, type Stored, write } from '../records/records.ts'
import { createEmitter } from '../runtime/emitter.ts'
import { defined } from '../task/defined.ts'
import {
  type DeliveryRecord,
  deliveryRecords,
  type KeptSecret,
  sweepRecords,
  type WebhookEvent,
  type WebhookFilter,
  type WebhookRecord,
  webhookEvents,
  webhookRecords,
} from './kinds.ts'
import { guardedSend, requireAllowed, type Send, type SendOptions } from './send.ts'
import { newSecret } from './sign.ts'

/** Encrypts the secrets of webhooks, and decrypts them. */
export interface SecretKeeper {
  /** Throws WEBHOOKS_UNAVAILABLE where no secret can be kept. */
  keep(webhookId: string, secret: string): unknown
  /** Throws CONFIG_INVALID where it cannot be decrypted. */
  open(webhookId: string, kept: unknown): string
}

/** What webhooks are made of. */
export interface WebhookParts {
  readonly records: Records
  readonly store: Pick<Store<never>, 'queries'> & { readonly tasks: { now(): number } }
  readonly secrets: SecretKeeper
  /** Where deliveries may go. */
  readonly sending?: SendOptions
}

/** What a person says of a webhook. Null takes a field away. */
export interface WebhookChange {
  url?: string | undefined
  description?: string | null | undefined
  events?: readonly WebhookEvent[] | undefined
  taskType?: string | null | undefined
  lane?: string | null | undefined
  userId?: string | null | undefined
  isDisabled?: boolean | undefined
}

/** A webhook as it is shown: never with a secret. */
export interface WebhookView
  extends Omit<WebhookRecord, 'secrets' | 'since'>,
    Partial<Omit<DeliveryRecord, 'id'>> {
  secrets: readonly Omit<KeptSecret, 'kept'>[]
}

/** Where an event goes. */
export interface Target {
  url: string
  /** Valid ones, the newest first. */
  secrets: readonly string[]
}

/** Webhooks at most: each end of a task is compared with all of them. */
const mostWebhooks = 50
/** Milliseconds for which a secret stays valid once there is a newer one. */
const rotationMs = 86_400_000
/** Secrets that are valid at a time. */
const mostSecrets = 4

/** The webhooks of a store. */
export class Webhooks {
  readonly send: Send
  readonly #parts: WebhookParts
  readonly #changes = createEmitter()

  constructor(parts: WebhookParts) {
    this.#parts = parts
    this.send = guardedSend(parts.sending)
  }

  /** Listens to changes that are made in this process. Returns an unsubscribe function. */
  onChange(listener: () => void): () => void {
    return this.#changes.on(listener)
  }

  /** The clock of the store, epoch milliseconds. */
  now(): number {
    return this.#parts.store.tasks.now()
  }

  /** Returns all of them, the oldest first. */
  async list(): Promise<WebhookView[]> {
    const found = await this.#all()
    const ids = found.map(({ id }) => id)
    const last = await this.#parts.records.get(deliveryRecords, ids)
    return found.map(webhook => viewOf(webhook, last.get(webhook.id)))
  }

  /** Throws WEBHOOK_NOT_FOUND. */
  async read(id: string): Promise<WebhookView> {
    return viewOf(await this.#get(id), await getOne(this.#parts.records, deliveryRecords, id))
  }

  /** Returns those that are sent events. */
  async active(): Promise<readonly WebhookRecord[]> {
    return (await this.#all()).filter(({ disabledAt }) => disabledAt === undefined)
  }

  /** Makes one, and returns it with its secret, which is shown no other time. Throws WEBHOOK_ADDRESS_FORBIDDEN, WEBHOOKS_FULL, WEBHOOKS_UNAVAILABLE. */
  async create(change: WebhookChange & { url: string }): Promise<{ webhook: WebhookView; secret: string }> {
    requireAllowed(change.url, this.#parts.sending ?? {})
    if ((await this.#all()).length >= mostWebhooks)
      throw new QuillworkError('WEBHOOKS_FULL', `There are ${mostWebhooks} webhooks; remove one first.`)
    const [id, createdAt, secret] = [randomUUID(), this.now(), newSecret()]
    const secrets = [{ kept: this.#parts.secrets.keep(id, secret), createdAt }]
    const made: WebhookRecord = {
      ...{ id, url: change.url, events: webhookEvents, secrets, createdAt, since: createdAt },
    }
    const webhook = changed(made, change, createdAt)
    await this.#parts.records.commit([insert(webhookRecords, webhook)])
    this.#changes.emit()
    return { webhook: viewOf(webhook), secret }
  }

  /** Changes one. Enabled again, it is sent what ends from now on. Throws WEBHOOK_NOT_FOUND, WEBHOOK_ADDRESS_FORBIDDEN. */
  async change(id: string, change: WebhookChange): Promise<WebhookView> {
    if (change.url !== undefined) requireAllowed(change.url, this.#parts.sending ?? {})
    await this.#update(id, webhook => changed(webhook, change, this.now()))
    return this.read(id)
  }

  /** Gives it another secret, and returns that; the one before stays valid for a day. Throws WEBHOOK_NOT_FOUND, WEBHOOKS_UNAVAILABLE. */
  async rotate(id: string): Promise<{ webhook: WebhookView; secret: string }> {
    const secret = newSecret()
    await this.#get(id)
    const kept = this.#parts.secrets.keep(id, secret)
    await this.#update(id, webhook => {
      const now = this.now()
      const earlier = validOf(webhook, now).map(each => ({
        ...each,
        expiresAt: each.expiresAt ?? now + rotationMs,
      }))
      return { ...webhook, secrets: [{ kept, createdAt: now }, ...earlier].slice(0, mostSecrets) }
    })
    return { webhook: await this.read(id), secret }
  }

  /** Disables one because its receiver said that it is gone. */
  async disableGone(id: string): Promise<void> {
    await this.#update(id, webhook => ({
      ...webhook,
      disabledAt: webhook.disabledAt ?? this.now(),
      disabledBecause: webhook.disabledBecause ?? 'gone',
    }))
  }

  /** Removes one; deliveries that are still to be made fail. Throws WEBHOOK_NOT_FOUND. */
  async remove(id: string): Promise<void> {
    await this.#get(id)
    await this.#parts.records.commit([...erase(webhookRecords, [id]), ...erase(deliveryRecords, [id])])
    this.#changes.emit()
  }

  /** Returns where events go. Throws WEBHOOK_NOT_FOUND, and WEBHOOK_DISABLED unless the event is a test. */
  async target(id: string, isTest: boolean): Promise<Target> {
    const webhook = await this.#get(id)
    if (webhook.disabledAt !== undefined && !isTest)
      throw new QuillworkError(
        'WEBHOOK_DISABLED',
        `The webhook ${id} is disabled. Enable it, and retry this delivery.`,
      )
    const [newest, ...earlier] = validOf(webhook, this.now())
    const { secrets } = this.#parts
    // One that was replaced because its key is lost keeps no delivery back: the receiver verifies by the newest.
    const open = earlier.flatMap(({ kept }) => {
      try {
        return [secrets.open(id, kept)]
      } catch {
        return []
      }
    })
    return { url: webhook.url, secrets: [...(newest ? [secrets.open(id, newest.kept)] : []), ...open] }
  }

  /** Returns the record of a task. */
  async task(taskId: string): Promise<TaskRecord | undefined> {
    const [record] = await this.#parts.store.queries.get([taskId])
    return record
  }

  /** Notes what became of a delivery. */
  async note(id: string, outcome: Pick<DeliveryRecord, 'lastStatus' | 'lastError'>): Promise<void> {
    const record = { id, lastDeliveryAt: this.now(), ...defined(outcome) }
    await this.#parts.records.commit(write(deliveryRecords, [record]))
  }

  /** Returns until when the ends of tasks were swept; 0 before the first sweep. */
  async sweptUntil(): Promise<number> {
    return (await getOne(this.#parts.records, sweepRecords, 'ends'))?.until ?? 0
  }

  /** Notes until when they were. */
  async noteSwept(until: number): Promise<void> {
    await this.#parts.records.commit(write(sweepRecords, [{ id: 'ends', until }]))
  }

  async #all(): Promise<Stored<WebhookRecord>[]> {
    const found = await this.#parts.records.find(webhookRecords, { order: ['id'] })
    return found.sort((one, other) => one.createdAt - other.createdAt)
  }

  async #get(id: string): Promise<Stored<WebhookRecord>> {
    const webhook = await getOne(this.#parts.records, webhookRecords, id)
    if (webhook === undefined)
      throw new QuillworkError('WEBHOOK_NOT_FOUND', `There is no webhook ${JSON.stringify(id)}.`)
    return webhook
  }

  async #update(id: string, change: (webhook: WebhookRecord) => WebhookRecord): Promise<void> {
    for (;;) {
      const { revision, ...webhook } = await this.#get(id)
      const next = replace(webhookRecords, { ...change(webhook), revision })
      if ((await this.#parts.records.commit([next])) === 'stale') continue
      this.#changes.emit()
      return
    }
  }
}

/** Returns the secrets of a webhook that are valid. */
function validOf({ secrets }: WebhookRecord, now: number): KeptSecret[] {
  return secrets.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
}

/** Returns a webhook as a person wants it. */
function changed(webhook: WebhookRecord, change: WebhookChange, now: number): WebhookRecord {
  const { description, taskType, lane, userId, ...rest } = webhook
  const given = <T>(value: T | null | undefined, held: T | undefined) =>
    value === undefined ? held : (value ?? undefined)
  const next: WebhookRecord = {
    ...rest,
    url: change.url ?? webhook.url,
    events: change.events ?? webhook.events,
    ...defined({
      description: given(change.description, description),
      taskType: given(change.taskType, taskType),
      lane: given(change.lane, lane),
      userId: given(change.userId, userId),
    }),
  }
  if (change.isDisabled === true)
    return { ...next, disabledAt: webhook.disabledAt ?? now, disabledBecause: 'person' }
  if (change.isDisabled !== false || webhook.disabledAt === undefined) return next
  const { disabledAt: _at, disabledBecause: _because, ...enabled } = next
  return { ...enabled, since: now }
}

function viewOf(
  { secrets, since: _since, ...webhook }: WebhookRecord & { revision?: string },
  last?: DeliveryRecord & { revision?: string },
): WebhookView {
  const { revision: _of, ...shown } = webhook
  const { id: _id, revision: _revision, ...delivery } = last ?? {}
  return { ...shown, ...delivery, secrets: secrets.map(({ kept: _, ...secret }) => secret) }
}

/** Returns whether a webhook is sent the end of a task. */
export function wants(
  { events, since, taskType, lane, userId }: WebhookRecord,
  event: WebhookEvent,
  task: Required<WebhookFilter> & { endedAt: number },
): boolean {
  return (
    events.includes(event) &&
    task.endedAt >= since &&
    (taskType ?? task.taskType) === task.taskType &&
    (lane ?? task.lane) === task.lane &&
    (userId ?? task.userId) === task.userId
  )
}
