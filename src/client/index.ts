/** A client of the HTTP API, for browsers and Node. */

export {
  type CallOptions,
  type Client,
  type ClientOptions,
  createClient,
  type EventQuery,
  type OutputEvent,
  type Task,
  type TaskCalls,
  type TaskCloudEvent,
  type TaskEvent,
  type TaskPage,
  type TaskQuery,
  type TaskSubmission,
} from './client.ts'
export { ApiError, type Problem } from './errors.ts'
/** The types of every operation and every schema of the API. */
export type { components, paths } from './schema.ts'
