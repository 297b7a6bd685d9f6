import type { ErrorCode } from '../../task/errors.ts'

/** Codes that mean something to an author, and not only to whoever runs the server. */
export type AuthorCode =
  | Extract<ErrorCode, `MODEL_${string}`>
  | 'FILE_KIND_UNSUPPORTED'
  | 'FILE_PROTECTED'
  | 'FILE_DAMAGED'
  | 'FILE_LIMIT_EXCEEDED'
  | 'ENCODING_FIXED'
  | 'BUDGET_EXHAUSTED'
  | 'PROVIDER_NOT_CONFIGURED'
  | 'SCENE_EMPTY'
  | 'SCENE_CHANGED'

/** A message for each of them: what happened to the work and what the author can do, with no word of the machine room. */
export type AuthorMessages = Readonly<Record<AuthorCode, string>>
