import { type Command, Option } from 'commander'
import type { Role } from '../../http/index.ts'
import { type Duration, durationForms, durationMs } from '../../task/duration.ts'
import { usageError } from '../exit-codes.ts'
import { addPaging, listCommand } from '../list.ts'
import { addGroup, ask, nextCommand, type Register, type Run } from '../run.ts'
import { printable } from '../text.ts'
import { agoText } from '../words.ts'

/** An API key, as the API returns it. */
interface KeyJson {
  id: string
  name: string
  role: string
  userId: string
  sees: string
  createdAt: string
  expiresAt?: string
  lastUsedAt?: string
  revokedAt?: string
}

interface CreateOptions {
  name: string
  role: string
  user?: string
  sees?: string
  expires?: string
}

const roles: readonly Role[] = ['viewer', 'author', 'operator', 'admin']

/** Adds `quillwork keys create|list|revoke`. */
export function addKeys(program: Command, register: Register): void {
  const keys = addGroup(program, 'keys', 'API keys: let other programs and other people in, each with a role')
  keys
    .command('create')
    .description('Make an API key, and print it. Nobody can read it again')
    .requiredOption('--name <name>', 'what you call it, such as the program or the person that gets it')
    .addOption(
      new Option('--role <role>', 'what it may do, each what the one before may, and more')
        .choices(roles)
        .makeOptionMandatory(),
    )
    .option(
      '--user <user>',
      'the user for whom its requests act; default: yours, local without users of your own',
    )
    .addOption(
      new Option(
        '--sees <tasks>',
        'whose tasks it sees; default: own for a viewer and an author, all for the others',
      ).choices(['own', 'all']),
    )
    .option('--expires <time>', 'how long it holds, such as 90d; default: until it is revoked')
    .action(register(create))
  addPaging(keys.command('list').description('List the API keys, without their secrets')).action(
    register(list),
  )
  keys
    .command('revoke')
    .description('Refuse an API key from now on')
    .argument('<id>', 'as `quillwork keys list` names it')
    .action(register(revoke))
}

const list = listCommand<KeyJson>({
  path: '/v1/api-keys',
  columns: [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'ROLE', text: ({ role }) => role },
    { title: 'USER', text: ({ userId }) => userId },
    { title: 'SEES', text: ({ sees }) => sees },
    { title: 'STATE', text: stateOf },
    { title: 'USED', text: ({ lastUsedAt }) => (lastUsedAt === undefined ? 'never' : agoText(lastUsedAt)) },
  ],
  empty: run =>
    `There are no API keys. Make one: ${nextCommand(run, 'keys create --name NAME --role author')}`,
})

function stateOf({ revokedAt, expiresAt }: KeyJson): string {
  if (revokedAt !== undefined) return `revoked ${agoText(revokedAt)}`
  if (expiresAt === undefined) return 'valid'
  return Date.parse(expiresAt) <= Date.now() ? 'expired' : `valid until ${expiresAt.slice(0, 10)}`
}

function create(run: Run<CreateOptions>) {
  const { name, role, user, sees, expires } = run.options
  const body = {
    ...{ name, role },
    ...(user === undefined ? {} : { userId: user }),
    ...(sees === undefined ? {} : { sees }),
    ...(expires === undefined ? {} : { expiresAt: endOf(expires) }),
  }
  return ask(
    run,
    client => client.post<KeyJson & { secret: string }>('/v1/api-keys', body),
    ({ id, secret, userId, sees: seen, role: made }) => [
      secret,
      '',
      `This is the key: nobody can read it again. It has the role ${made}, acts for the user ${printable(userId)} and sees ${seen === 'all' ? 'the tasks of all users' : 'that user alone'}.`,
      'A program sends it as `Authorization: Bearer KEY`, the commands take it as QUILLWORK_TOKEN with --url, and the pages where they ask for the token.',
      `To refuse it later: ${nextCommand(run, `keys revoke ${id}`)}`,
    ],
  )
}

/** Returns when a key ends that holds for a time. Throws USAGE_INVALID. */
function endOf(expires: string): string {
  const ms = msOf(expires)
  if (ms > 0) return new Date(Date.now() + ms).toISOString()
  throw usageError(`--expires ${expires}: give ${durationForms}, above 0.`)
}

function msOf(text: string): number {
  try {
    return durationMs(text as Duration, '--expires')
  } catch {
    return 0
  }
}

function revoke(run: Run) {
  const [id = ''] = run.arguments
  return ask(
    run,
    client => client.post<KeyJson>(`/v1/api-keys/${encodeURIComponent(id)}:revoke`),
    ({ name }) => [
      `The key ${printable(name)} is refused from now on; in other processes within five seconds.`,
    ],
  )
}
