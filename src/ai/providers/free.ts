import { ModelError, type ModelErrorCode } from '../model-error.ts'

/** Failures without a status, of requests that never reached a model. */
const unheard: ReadonlySet<ModelErrorCode> = new Set([
  'MODEL_UNAVAILABLE',
  'MODEL_REQUEST_REFUSED',
  'MODEL_ADDRESS_FORBIDDEN',
])

/** Whether a provider would charge nothing: it refused, or was not reached. */
export function isFree(failure: unknown): boolean {
  if (!(failure instanceof ModelError)) return false
  const status = failure.details?.['status']
  return unheard.has(failure.code) || (typeof status === 'number' && status >= 400)
}
