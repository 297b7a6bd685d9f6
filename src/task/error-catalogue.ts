/**
 * The catalogue of coded errors. Every error the product throws has a code of this list; `docs/errors.md` is generated from it.
 *
 * `retryable` says what the engine does when a handler lets the error escape, and what a client may do about it.
 */
export const errorCatalogue = {
  PARAMETERS_INVALID: {
    retryable: false,
    status: 400,
    meaning: 'The parameters do not match the schema of the task type.',
  },
  VALUE_NOT_STORABLE: {
    retryable: false,
    status: 400,
    meaning: 'A value cannot be stored and read back as what it was; the path names it.',
  },
  OPTION_INVALID: { retryable: false, status: 400, meaning: 'An option has a value outside what it allows.' },
  TASK_TYPE_UNKNOWN: {
    retryable: false,
    status: 400,
    meaning: 'No task of that type is defined in this process.',
  },
  TASK_TYPE_DUPLICATE: { retryable: false, status: 400, meaning: 'Two task definitions have the same type.' },
  SUBMISSION_REFUSED: {
    retryable: false,
    status: 422,
    meaning: 'The task type refuses what was submitted; the message says why.',
  },
  LANE_UNKNOWN: { retryable: false, status: 400, meaning: 'The lane is not one of the configured lanes.' },
  USER_QUEUE_FULL: {
    retryable: true,
    status: 429,
    meaning: 'The user has as many waiting tasks as one user may have.',
  },
  LANE_QUEUE_FULL: {
    retryable: true,
    status: 429,
    meaning: 'The lane has as many waiting tasks as it may have.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    retryable: false,
    status: 422,
    meaning: 'The idempotency key was used before with other parameters.',
  },
  PARENT_NOT_RUNNING: {
    retryable: false,
    status: 409,
    meaning: 'Only a running attempt of the parent can add sub-tasks.',
  },
  TREE_TOO_DEEP: {
    retryable: false,
    status: 400,
    meaning: 'The sub-task would be nested deeper than a tree may be.',
  },
  TASK_NOT_FOUND: { retryable: false, status: 404, meaning: 'There is no such task.' },
  TASK_ALREADY_ENDED: {
    retryable: false,
    status: 409,
    meaning: 'The task has ended, so it cannot be cancelled.',
  },
  TASK_NOT_RETRYABLE: {
    retryable: false,
    status: 409,
    meaning: 'The task is not in a status that an explicit retry may leave.',
  },
  TASK_CHANGED: { retryable: true, status: 412, meaning: 'The task changed since it was read.' },
  TASK_FAILED: { retryable: false, status: 409, meaning: 'The task that was waited for did not complete.' },
  TASK_CANCELLED: { retryable: false, status: 409, meaning: 'The task was cancelled.' },
  WAIT_TIMEOUT: {
    retryable: true,
    status: 504,
    meaning: 'The task did not end within the time that the caller gave.',
  },
  ATTEMPT_TIMEOUT: {
    retryable: true,
    status: 504,
    meaning: 'The attempt ran longer than the task type allows.',
  },
  DEADLINE_PASSED: { retryable: false, status: 504, meaning: 'The task did not end before its deadline.' },
  LEASE_LOST: {
    retryable: true,
    status: 503,
    meaning: 'The process that ran the attempt stopped extending its lease.',
  },
  ATTEMPT_STALE: {
    retryable: false,
    status: 409,
    meaning: 'The attempt no longer holds the task, so its write was refused.',
  },
  RATE_LIMITED: {
    retryable: true,
    status: 429,
    meaning: 'A provider or a limit asks to wait; the task goes on by itself.',
  },
  RESULT_INVALID: {
    retryable: false,
    status: 500,
    meaning: 'The handler returned a value that its result schema refuses.',
  },
  PROGRESS_INVALID: {
    retryable: false,
    status: 500,
    meaning: 'The handler reported progress that its schema refuses.',
  },
  OUTPUT_TOO_LARGE: {
    retryable: false,
    status: 500,
    meaning: 'An attempt wrote more output than one may.',
  },
  CHECKPOINT_TOO_LARGE: {
    retryable: false,
    status: 500,
    meaning: 'The value of a step is larger than a checkpoint may be.',
  },
  SUBTASKS_FAILED: { retryable: false, status: 500, meaning: 'No sub-task of the task completed.' },
  NEXT_STAGE_MISSING: {
    retryable: false,
    status: 500,
    meaning: 'The hook gave no result and left no sub-task to wait for.',
  },
  HANDLER_FAILED: {
    retryable: true,
    status: 500,
    meaning: 'The handler threw an error that carries no class of its own.',
  },
  RECORD_UNREADABLE: { retryable: false, status: 500, meaning: 'A stored record cannot be read.' },
  PARAMETERS_TOO_NEW: {
    retryable: true,
    status: 503,
    meaning: 'The parameters were stored by a newer version of the task type.',
  },
  ENGINE_STOPPED: { retryable: true, status: 503, meaning: 'The engine is stopping or closed.' },
  STORE_FAILED: { retryable: true, status: 503, meaning: 'The store could not do what it was asked.' },
  STORE_CLOSED: { retryable: true, status: 503, meaning: 'The store is closed.' },
  STORE_FULL: { retryable: true, status: 507, meaning: 'The disk of the store is full.' },
  STORE_LOCKED: { retryable: true, status: 503, meaning: 'Another process owns the database file.' },
  STORE_UNSUITABLE: {
    retryable: false,
    status: 500,
    meaning: 'The database file does not hold the settings that the promises need.',
  },
  BROKER_UNSUITABLE: {
    retryable: false,
    status: 500,
    meaning: 'The broker has queues or exchanges with other arguments, or refuses the login.',
  },
  BROKER_UNREACHABLE: { retryable: true, status: 503, meaning: 'The broker does not answer.' },
  STORE_NOT_EMPTY: {
    retryable: false,
    status: 409,
    meaning: 'The store that is to be filled from another one holds something already.',
  },
  TRANSFER_INCOMPLETE: {
    retryable: false,
    status: 503,
    meaning:
      'The store is being filled from another one, or that was cut off or went wrong; it cannot be used yet.',
  },
  STORE_NEWER: {
    retryable: false,
    status: 500,
    meaning: 'The database was written by a newer version of the product.',
  },
  PAGE_TOKEN_INVALID: {
    retryable: false,
    status: 400,
    meaning: 'The page token is not one that this listing gave out.',
  },
  SCHEDULE_INVALID: {
    retryable: false,
    status: 400,
    meaning: 'The cron expression or the time zone of a schedule cannot be read.',
  },
  DEAD_LETTER_NOT_FOUND: { retryable: false, status: 404, meaning: 'There is no such dead letter.' },
  ENCODING_UNKNOWN: {
    retryable: false,
    status: 400,
    meaning: 'The encoding is not one of those that the import reads.',
  },
  TEXT_UNREADABLE: {
    retryable: false,
    status: 400,
    meaning: 'The file is not a text that the import can read.',
  },
  ENCODING_FIXED: {
    retryable: false,
    status: 400,
    meaning: 'The file says in what encoding it is, and cannot be read in another.',
  },
  FILE_KIND_UNSUPPORTED: {
    retryable: false,
    status: 422,
    meaning: 'The file is of a kind that the import does not read; the message says which and what to do.',
  },
  FILE_PROTECTED: {
    retryable: false,
    status: 422,
    meaning: 'The text of the file is encrypted, by a password or by copy protection.',
  },
  FILE_DAMAGED: {
    retryable: false,
    status: 422,
    meaning: 'The file is cut off or broken, so that its text cannot be read.',
  },
  FILE_LIMIT_EXCEEDED: {
    retryable: false,
    status: 422,
    meaning: 'What the file holds goes beyond a bound of the import; the details name the bound.',
  },
  UPLOAD_NOT_FOUND: { retryable: false, status: 404, meaning: 'There is no such upload, or it has expired.' },
  UPLOAD_CONFIRMED: {
    retryable: false,
    status: 409,
    meaning: 'Another import has used the upload already; one upload makes one novel.',
  },
  UPLOAD_TOO_LARGE: {
    retryable: false,
    status: 413,
    meaning: 'The upload is larger than the configured limit.',
  },
  NOVEL_NOT_FOUND: { retryable: false, status: 404, meaning: 'There is no such novel.' },
  CHAPTER_NOT_FOUND: { retryable: false, status: 404, meaning: 'There is no such chapter in the novel.' },
  SCENE_NOT_FOUND: {
    retryable: false,
    status: 404,
    meaning: 'There is no such scene, or it was deleted meanwhile.',
  },
  HISTORY_ENTRY_NOT_FOUND: {
    retryable: false,
    status: 404,
    meaning: 'There is no such entry in the history of the scene, or it was pushed out by newer ones.',
  },
  CHAPTER_FULL: { retryable: false, status: 409, meaning: 'The chapter has as many scenes as it may have.' },
  SCENE_EMPTY: { retryable: false, status: 409, meaning: 'The scene has no text to work on.' },
  SCENE_CHANGED: {
    retryable: false,
    status: 412,
    meaning: 'The scene was changed by somebody else while the task worked on it.',
  },
  ESTIMATE_UNAVAILABLE: {
    retryable: false,
    status: 422,
    meaning: 'What tasks of that type will ask of models is not known beforehand.',
  },
  BUDGET_EXHAUSTED: {
    retryable: true,
    status: 409,
    meaning: 'The budget of the tree allows no further call; raise it and the task goes on.',
  },
  MODEL_RATE_LIMITED: {
    retryable: true,
    status: 429,
    errorClass: 'rate-limited',
    meaning: 'The provider of the model refuses calls for a while.',
  },
  MODEL_UNAVAILABLE: {
    retryable: true,
    status: 502,
    meaning: 'The provider of the model does not answer, or answers with an error of its own.',
  },
  MODEL_STALLED: {
    retryable: true,
    status: 504,
    meaning: 'The model said nothing for too long.',
  },
  MODEL_ANSWER_CUT: {
    retryable: true,
    status: 502,
    meaning: 'The connection to the model ended before its answer did.',
  },
  MODEL_ANSWER_EMPTY: {
    retryable: true,
    status: 502,
    meaning: 'The model answered with nothing.',
  },
  MODEL_ANSWER_MALFORMED: {
    retryable: true,
    status: 502,
    meaning: 'The answer of the model cannot be read.',
  },
  MODEL_ANSWER_FILTERED: {
    retryable: false,
    status: 422,
    meaning: 'The provider withheld the answer because of its content rules.',
  },
  MODEL_ANSWER_REFUSED: {
    retryable: false,
    status: 422,
    meaning: 'The model declined to write what it was asked for.',
  },
  MODEL_ANSWER_TRUNCATED: {
    retryable: false,
    status: 422,
    meaning: 'The answer reached its longest length before it was complete.',
  },
  MODEL_CONTEXT_EXCEEDED: {
    retryable: false,
    status: 422,
    meaning: 'The text is too long for the context of the model.',
  },
  MODEL_QUOTA_EXHAUSTED: {
    retryable: false,
    status: 402,
    meaning: 'The account at the provider has no credit or quota left.',
  },
  MODEL_KEY_REJECTED: {
    retryable: false,
    status: 502,
    meaning: 'The provider does not accept the key of the account.',
  },
  MODEL_UNKNOWN: {
    retryable: false,
    status: 502,
    meaning: 'The provider does not know the model, or the account may not use it.',
  },
  MODEL_REQUEST_REFUSED: {
    retryable: false,
    status: 502,
    meaning: 'The provider does not accept the request.',
  },
  MODEL_ADDRESS_FORBIDDEN: {
    retryable: false,
    status: 403,
    meaning: 'The address of the provider leads into a network that models may not be called in.',
  },
  PROVIDER_NOT_CONFIGURED: {
    retryable: false,
    status: 409,
    meaning: 'The task needs a language model, and none is configured.',
  },
  REQUEST_INVALID: {
    retryable: false,
    status: 400,
    meaning: 'The request does not match what the route takes.',
  },
  REQUEST_TOO_LARGE: {
    retryable: false,
    status: 413,
    meaning: 'The body of the request is larger than the limit.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    retryable: false,
    status: 415,
    meaning: 'The body is not of a media type or encoding that the route takes.',
  },
  REQUEST_TIMEOUT: {
    retryable: true,
    status: 408,
    meaning: 'The request did not arrive in the time that the server waits for one.',
  },
  HEADERS_TOO_LARGE: {
    retryable: false,
    status: 431,
    meaning: 'The headers of the request are larger than the limit.',
  },
  IF_MATCH_INVALID: {
    retryable: false,
    status: 400,
    meaning: 'The If-Match header is not a version that this API gave out.',
  },
  IF_MATCH_REQUIRED: {
    retryable: false,
    status: 428,
    meaning: 'A change of what somebody else may change too must name the version that was read.',
  },
  ROUTE_NOT_FOUND: { retryable: false, status: 404, meaning: 'There is no such address in this API.' },
  METHOD_NOT_ALLOWED: {
    retryable: false,
    status: 405,
    meaning: 'The address exists, but not with this method.',
  },
  UNAUTHENTICATED: { retryable: false, status: 401, meaning: 'The request carries no valid credentials.' },
  FORBIDDEN: {
    retryable: false,
    status: 403,
    meaning: 'The request comes from another site, or may not do this.',
  },
  TOO_MANY_STREAMS: {
    retryable: true,
    status: 429,
    meaning: 'More event streams are open than one client or the process may hold.',
  },
  CONFIG_INVALID: {
    retryable: false,
    status: 500,
    meaning: 'The configuration has a value that cannot be used; the message names it.',
  },
  USAGE_INVALID: {
    retryable: false,
    status: 400,
    meaning: 'The command line names a command, an option or a value that is not there.',
  },
  FILE_UNREADABLE: {
    retryable: false,
    status: 400,
    meaning: 'The file that a command was given is not there or cannot be read.',
  },
  SERVER_UNREACHABLE: {
    retryable: true,
    status: 503,
    meaning: 'The server that owns the data directory does not answer.',
  },
  INTERNAL: {
    retryable: true,
    status: 500,
    meaning: 'Something unexpected happened; the log of the server says more.',
  },
} as const satisfies Record<
  string,
  { retryable: boolean; status: number; errorClass?: 'rate-limited'; meaning: string }
>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue
