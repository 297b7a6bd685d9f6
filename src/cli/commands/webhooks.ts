import { type Command, Option } from 'commander'
import type { WebhookJson, WebhookWithSecretJson } from '../../http/schemas/webhook.ts'
import { defined } from '../../task/defined.ts'
import { webhookEvents } from '../../webhooks/kinds.ts'
import { andAgain } from '../list.ts'
import { addGroup, ask, nextCommand, type Register, type Run } from '../run.ts'
import { tableLines } from '../text.ts'

interface AddOptions {
  event?: string[]
  type?: string
  lane?: string
  user?: string
  description?: string
}

/** Adds `quillwork webhooks …`: programs that get the ends of tasks. */
export function addWebhooks(program: Command, register: Register): void {
  const webhooks = addGroup(program, 'webhooks', 'Send the ends of tasks to other programs')
  webhooks
    .command('add')
    .description('Add a webhook, and print its secret, which is shown no other time')
    .argument('<url>', 'https://…, or a host that the setting webhookHosts names')
    .addOption(
      new Option(
        '--event <event>',
        `only this end; repeat the option for several: ${webhookEvents.join(', ')}`,
      ).argParser(andAgain),
    )
    .option('--type <type>', 'only tasks of this type')
    .option('--lane <lane>', 'only tasks of this lane')
    .option('--user <user>', 'only tasks of this user')
    .option('--description <text>', 'what it is for')
    .action(register(add))
  webhooks
    .command('list')
    .description('List the webhooks, and how the last delivery of each went')
    .action(
      register(run =>
        ask(
          run,
          client => client.get<{ items: WebhookJson[] }>('/v1/webhooks'),
          ({ items }) => listLines(run, items),
        ),
      ),
    )
  ofOne(webhooks, 'remove', 'Remove a webhook; deliveries that are still to be made fail').action(
    register(run =>
      ask(
        run,
        client => client.remove(pathOf(run)),
        () => ['The webhook is removed.'],
      ),
    ),
  )
  ofOne(
    webhooks,
    'rotate',
    'Give it another secret, and print that; the one before stays valid for 24 hours',
  ).action(
    register(run =>
      ask(
        run,
        client => client.post<WebhookWithSecretJson>(`${pathOf(run)}:rotate`),
        ({ secret }) => [
          `The new secret, which is shown no other time: ${secret}`,
          'The one before stays valid for 24 hours.',
        ],
      ),
    ),
  )
  ofOne(webhooks, 'test', 'Send it a test event').action(
    register(run =>
      ask(
        run,
        client => client.post<{ taskId: string }>(`${pathOf(run)}:test`),
        ({ taskId }) => [
          `A task sends it; see how it goes with: ${nextCommand(run, `tasks show ${taskId}`)}`,
        ],
      ),
    ),
  )
  ofOne(webhooks, 'disable', 'Send it nothing more').action(
    register(run => change(run, { isDisabled: true })),
  )
  ofOne(webhooks, 'enable', 'Send it what ends from now on').action(
    register(run => change(run, { isDisabled: false })),
  )
}

function ofOne(webhooks: Command, name: string, about: string): Command {
  return webhooks.command(name).description(about).argument('<id>', 'as `quillwork webhooks list` names it')
}

function pathOf({ arguments: [id = ''] }: Pick<Run, 'arguments'>): string {
  return `/v1/webhooks/${encodeURIComponent(id)}`
}

function add(run: Run<AddOptions>) {
  const [url] = run.arguments
  const { event: events, type: taskType, lane, user: userId, description } = run.options
  const body = defined({ url, events, taskType, lane, userId, description })
  return ask(
    run,
    client => client.post<WebhookWithSecretJson>('/v1/webhooks', body),
    ({ id, secret }) => [
      `The webhook ${id} is added.`,
      `Its secret, which is shown no other time: ${secret}`,
      'Its receiver verifies each delivery with it: docs/webhooks.md says how.',
    ],
  )
}

function change(run: Run, body: { isDisabled: boolean }) {
  return ask(
    run,
    client => client.patch<WebhookJson>(pathOf(run), body),
    webhook => [stateText(webhook)],
  )
}

function listLines(run: Run, items: readonly WebhookJson[]): readonly string[] {
  if (items.length === 0)
    return [`There is no webhook. Add one: ${nextCommand(run, 'webhooks add https://…')}`]
  return tableLines(items, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'ADDRESS', text: ({ url }) => url },
    { title: 'TASKS', text: filterText },
    { title: 'STATE', text: stateText },
    { title: 'LAST DELIVERY', text: lastText },
  ])
}

function filterText({ events, taskType, lane, userId }: WebhookJson): string {
  const ends = events.length === webhookEvents.length ? [] : events
  const of = Object.entries({ type: taskType, lane, user: userId })
  const filters = of.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))
  return [...ends, ...filters].join(', ') || 'all'
}

function stateText({ disabledAt, disabledBecause }: WebhookJson): string {
  if (disabledAt === undefined) return 'enabled'
  return disabledBecause === 'gone' ? 'disabled: its receiver is gone' : 'disabled'
}

function lastText({ lastDeliveryAt, lastStatus, lastError }: WebhookJson): string {
  if (lastDeliveryAt === undefined) return 'none'
  return `${lastStatus === undefined ? lastError : `HTTP ${lastStatus}`} at ${lastDeliveryAt}`
}
