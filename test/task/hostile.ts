/** What a handler can throw, and nobody can read: every one of these broke something once, or could. */
import fc from 'fast-check'
import { PermanentError, QuillworkError, SnoozeError } from '../../src/task/errors.ts'

const refuse = (): never => {
  throw new Error('not to be read')
}

/** Every trap of a proxy, and each throws. */
const traps: ProxyHandler<object> = Object.fromEntries(
  Object.getOwnPropertyNames(Reflect).map(trap => [trap, refuse]),
)

/** A proxy that throws whatever is done with it, around any object. */
export function unreadable<T extends object>(target: T): T {
  return new Proxy(target, traps) as T
}

/** An error whose property cannot be read, or has a value that no error has. */
function broken(name: string, of: () => object, value?: unknown): object {
  const descriptor = value === undefined ? { get: refuse } : { value }
  return Object.defineProperty(of(), name, { ...descriptor, configurable: true, enumerable: true })
}

const errors = [
  () => new Error('x'),
  () => new TypeError('x', { cause: new Error('y') }),
  () => new PermanentError('x'),
  () => new QuillworkError('STORE_FAILED', 'x'),
  () => new SnoozeError(1, 'x', { limit: 'l', limitCost: 1 }),
  () => new DOMException('x', 'TimeoutError'),
  () => ({ message: 'x' }),
  () => Object.create(null) as object,
]

const properties = [
  'message',
  'name',
  'code',
  'stack',
  'cause',
  'status',
  'statusCode',
  'retryAfterMs',
  'headers',
  'responseHeaders',
  'until',
  'limit',
  'limitCost',
  'budget',
  'toString',
  'toJSON',
  'then',
]

const cyclic = (): Error => {
  const error = new Error('a')
  error.cause = new Error('b', { cause: error })
  return error
}

/** An error whose causes never end. */
const endless = (): Error =>
  Object.defineProperty(new Error('a'), 'cause', { get: endless, configurable: true })

/** A function that makes the value: fast-check reads what it generates. */
type Make = () => unknown

const kept =
  (value: unknown): Make =>
  () =>
    value

const values: fc.Arbitrary<Make> = fc.oneof(
  fc.constantFrom<Make>(...[undefined, null, Symbol('thrown'), 10n, Number.NaN, -0, '', refuse].map(kept)),
  fc.string({ unit: 'binary' }).map(kept),
  fc.constant(kept('long '.repeat(200_000))),
  fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true }).map(kept),
  fc.constantFrom(...errors, () => refuse).map(make => () => unreadable(make())),
)

const brokenErrors: fc.Arbitrary<Make> = fc
  .tuple(fc.constantFrom(...properties), fc.constantFrom(...errors), fc.option(values, { nil: undefined }))
  .map(
    ([name, of, value]) =>
      () =>
        broken(name, of, value?.()),
  )

/** Anything that can be thrown, mostly what cannot be read. */
export const hostile: fc.Arbitrary<Make> = fc.oneof(
  values,
  brokenErrors,
  fc.constantFrom<Make>(cyclic, endless),
  fc.oneof(values, brokenErrors).map(make => () => new Error('outer', { cause: make() })),
  fc.constant(() => Object.assign(new Error('x'), { code: { not: 'a text' }, name: Symbol('name') })),
)
