/** The distributed composition: one MongoDB database and one RabbitMQ broker, shared by any number of processes. */
import { QuillworkError } from '../index.ts'
import type { Composition } from './combinations.ts'
import type { Composed, ComposeOptions } from './compose.ts'

/** Connects and makes the engine of this process. Throws what the store and the broker throw. */
export async function composeDistributed(
  _composition: Extract<Composition, { kind: 'distributed' }>,
  _options: ComposeOptions,
): Promise<Composed> {
  throw new QuillworkError('CONFIG_INVALID', 'This version cannot share its tasks between processes yet.')
}
