import { QuillworkError } from '../index.ts'
import type { SecretKeeper } from '../webhooks/webhooks.ts'
import { KeptKeys, keptKeyOf } from './kept-keys.ts'
import { type Config, invalid } from './settings.ts'

/** Distinguishes the secrets of webhooks from the keys of models, which are bound to an address. */
const origin = 'webhook'

/** Returns what encrypts the secrets of webhooks, as the keys of kept models are: under `QUILLWORK_SECRET`, or the key of a file beside the data. */
export function webhookSecrets(config: Pick<Config, 'data' | 'secret'>, isShared: boolean): SecretKeeper {
  const keys = new KeptKeys(config, isShared)
  return {
    keep(webhookId, secret) {
      if (isShared && config.secret === undefined)
        throw new QuillworkError(
          'WEBHOOKS_UNAVAILABLE',
          'Processes share the store, so the secret of a webhook is kept in it only under a secret that all of them have: set QUILLWORK_SECRET to the same long random text for each, and restart them.',
        )
      return { ...keys.seal(`webhook ${webhookId}`, secret, origin), lastCharacters: '' }
    },
    open(webhookId, kept) {
      try {
        return keys.open(`webhook ${webhookId}`, keptKeyOf(kept))
      } catch (cause) {
        throw invalid(
          `The secret of the webhook ${webhookId} cannot be decrypted: QUILLWORK_SECRET, or the key of the data directory, is not the one that it was kept under. Restore it and restart, or rotate the secret.`,
          cause,
        )
      }
    },
  }
}
