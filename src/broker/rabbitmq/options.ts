import { type Logger, silentLog } from '../../runtime/log.ts'
import { QuillworkError } from '../../task/errors.ts'
import { MessageKeys, unsigned } from '../messages.ts'

/** How a RabbitMQ broker is reached and used. */
export interface RabbitmqOptions {
  /** `amqp://` or `amqps://`, with user, password and vhost; of a cluster one for each node, tried in turn. */
  url: string | readonly string[]
  /** Stands before the name of every exchange and queue, for several installations in one vhost. Default none. */
  prefix?: string
  /**
   * Who holds a delivery until its time. `wait-queues` (default): plain queues. `delayed-exchange`: the delayed-message plugin, which keeps one
   * copy on one node and is gone from RabbitMQ 4.3. `auto`: the plugin where the broker has it.
   */
  delay?: 'auto' | 'wait-queues' | 'delayed-exchange'
  /** Whether events are published to other processes and services. Default true. */
  events?: boolean
  /** Keep events in a stream for a week, for consumers that read them again. Default false. */
  eventsStream?: boolean
  /**
   * Milliseconds that a delivery is held unacknowledged; a task that runs longer goes on under its lease alone. Default 600,000. It must
   * stay below the broker's `consumer_timeout` (30 minutes unless configured).
   */
  holdMs?: number
  /** Milliseconds until a message that the broker did not confirm counts as unconfirmed. Default 5,000. */
  confirmMs?: number
  /** Seconds between heartbeats; a peer that is silent for two to three of them is gone. Default 5. */
  heartbeatS?: number
  /** Deliveries that a lane's queue may hold for each of its consumers. Default 2. */
  window?: number
  /**
   * Secrets of all processes of the installation, of at least 32 characters. Deliveries, control messages and events are signed with the first and
   * dropped unless one of them signed, so that an account of the broker alone can send none. `unsigned` as the last of several accepts
   * unsigned ones too, while processes that have no secret are replaced. Default none: nothing is signed.
   */
  secret?: string | readonly string[]
  log?: Logger
}

/** Options with every default filled in. */
export type RabbitmqSettings = Readonly<
  Required<Omit<RabbitmqOptions, 'url' | 'secret'>> & { urls: readonly string[]; keys: MessageKeys }
>

const shortestSecret = 32

/** Fills in defaults and checks. Throws OPTION_INVALID. */
export function settingsOf(options: RabbitmqOptions): RabbitmqSettings {
  const urls = typeof options.url === 'string' ? [options.url] : [...options.url]
  if (urls.length === 0) throw new QuillworkError('OPTION_INVALID', 'url names no broker; give at least one.')
  for (const url of urls) checkUrl(url)
  const settings = {
    urls,
    prefix: options.prefix ?? '',
    delay: options.delay ?? 'wait-queues',
    events: options.events ?? true,
    eventsStream: options.eventsStream ?? false,
    holdMs: options.holdMs ?? 600_000,
    confirmMs: options.confirmMs ?? 5_000,
    heartbeatS: options.heartbeatS ?? 5,
    window: options.window ?? 2,
    log: options.log ?? silentLog,
    keys: keysOf(options.secret ?? []),
  } as const
  for (const name of ['holdMs', 'confirmMs', 'heartbeatS', 'window'] as const)
    atLeastOne(name, settings[name])
  if (!/^[\w.:-]{0,100}$/.test(settings.prefix)) {
    const message = `prefix is ${JSON.stringify(settings.prefix)}; give at most 100 letters, digits, '.', ':', '_' or '-'.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  return settings
}

/** The place of a broker without its secrets, for logs and messages. */
export function placeOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname === '/' ? '' : pathname}`
}

function checkUrl(url: string): void {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' }
  if (protocol === 'amqp:' || protocol === 'amqps:') return
  throw new QuillworkError('OPTION_INVALID', 'url must begin with amqp:// or amqps:// and name a host.')
}

function keysOf(secret: string | readonly string[]): MessageKeys {
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (secrets.some((each, at) => (each === unsigned ? at === 0 : each.length < shortestSecret))) {
    const message = `A secret has fewer than ${shortestSecret} characters, or '${unsigned}' comes first; give long random ones.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  return new MessageKeys(secrets)
}

function atLeastOne(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 1) return
  throw new QuillworkError('OPTION_INVALID', `${name} is ${value}; give a number of at least 1.`)
}
