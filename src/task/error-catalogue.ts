/** A row for what trying again does not mend. */
function permanent<const S extends number, const M extends string>(status: S, meaning: M) {
  return { retryable: false, status, meaning } as const
}

/** A row for what may pass: the engine retries an attempt that ends with it, and a client may ask again. */
function retryable<const S extends number, const M extends string>(status: S, meaning: M) {
  return { retryable: true, status, meaning } as const
}

/**
 * The catalogue of coded errors, each with its HTTP status and what it means. Every error the product throws has a code of this list;
 * `docs/errors.md` is generated from it.
 */
export const errorCatalogue = {
  PARAMETERS_INVALID: permanent(400, 'The parameters do not match the schema of the task type.'),
  PARAMETERS_TOO_LARGE: permanent(413, 'The parameters are larger than those of a task may be.'),
  VALUE_NOT_STORABLE: permanent(
    400,
    'A value cannot be stored and read back as what it was; the path names it.',
  ),
  OPTION_INVALID: permanent(400, 'An option has a value outside what it allows.'),
  TASK_TYPE_UNKNOWN: permanent(400, 'No task of that type is defined in this process.'),
  TASK_TYPE_DUPLICATE: permanent(400, 'Two task definitions have the same type.'),
  SUBMISSION_REFUSED: permanent(422, 'The task type refuses what was submitted; the message says why.'),
  LANE_UNKNOWN: permanent(400, 'The lane is not one of the configured lanes.'),
  USER_QUEUE_FULL: retryable(429, 'The user has as many waiting tasks as one user may have.'),
  LANE_QUEUE_FULL: retryable(429, 'The lane has as many waiting tasks as it may have.'),
  IDEMPOTENCY_KEY_REUSED: permanent(
    422,
    'The idempotency key was used before with other parameters or options.',
  ),
  TRANSACTION_TOO_LARGE: permanent(
    413,
    'The server of the store has no room for so many tasks in one transaction; submit fewer at once.',
  ),
  PARENT_NOT_RUNNING: permanent(409, 'Only a running attempt of the parent can add sub-tasks.'),
  TREE_TOO_DEEP: permanent(400, 'The sub-task would be nested deeper than a tree may be.'),
  SUBTASK_UNKNOWN: permanent(400, 'A sub-task is to start after one that the parent does not have.'),
  SUBTASK_CYCLE: permanent(400, 'Sub-tasks are to start after each other, so that none of them could.'),
  PREDECESSOR_NOT_COMPLETED: permanent(
    409,
    'The sub-task was not attempted, because one that it was to start after did not complete.',
  ),
  LANE_NOT_FOUND: permanent(404, 'There is no such lane.'),
  SCHEDULE_NOT_FOUND: permanent(404, 'There is no such schedule.'),
  TASK_NOT_FOUND: permanent(404, 'There is no such task.'),
  TASK_ALREADY_ENDED: permanent(409, 'The task has ended, so it cannot be cancelled or take a signal.'),
  TASK_NOT_ENDED: permanent(
    409,
    'The task has not ended, so it cannot be run anew, and its texts cannot be undone.',
  ),
  TASK_NOT_WAITING: permanent(
    409,
    'The task waits for no time: it runs, has ended, or waits for a signal or a sub-task.',
  ),
  TASK_NOT_RETRYABLE: permanent(409, 'The task is not in a status that an explicit retry may leave.'),
  TASK_CHANGED: retryable(412, 'The task changed since it was read.'),
  TASK_FAILED: permanent(409, 'The task that was waited for did not complete.'),
  TASK_CANCELLED: permanent(409, 'The task was cancelled.'),
  SIGNAL_TIMEOUT: permanent(504, 'No signal came within the time that the task waits for one.'),
  SIGNAL_INVALID: permanent(500, 'A signal that the task took does not match its schema any more.'),
  SIGNAL_TOO_LARGE: permanent(413, 'The payload of the signal is larger than one may be.'),
  SIGNALS_FULL: permanent(409, 'The task has as many signals as it may have that it did not take yet.'),
  WAIT_TIMEOUT: retryable(504, 'The task did not end within the time that the caller gave.'),
  ATTEMPT_TIMEOUT: retryable(504, 'The attempt ran longer than the task type allows.'),
  ATTEMPT_STALLED: retryable(504, 'The attempt made no progress for longer than the task type allows.'),
  DEADLINE_PASSED: permanent(504, 'The task did not end before its deadline.'),
  LEASE_LOST: retryable(503, 'The process that ran the attempt stopped extending its lease.'),
  ATTEMPT_STALE: permanent(409, 'The attempt no longer holds the task, so its write was refused.'),
  RATE_LIMITED: retryable(429, 'A provider or a limit asks to wait; the task goes on by itself.'),
  LIMIT_UNKNOWN: permanent(400, 'The limit is not one of the configured limits.'),
  LIMIT_NOT_FOUND: permanent(404, 'There is no such limit.'),
  LIMIT_TOO_LOW: permanent(
    409,
    'A call would ask for more tokens than a minute would have under the limit, so that it could never run.',
  ),
  RESULT_INVALID: permanent(500, 'The handler returned a value that its result schema refuses.'),
  PROGRESS_INVALID: permanent(500, 'The handler reported progress that its schema refuses.'),
  OUTPUT_TOO_LARGE: permanent(500, 'An attempt wrote more output than one may.'),
  CHECKPOINT_TOO_LARGE: permanent(500, 'The value of a step is larger than a checkpoint may be.'),
  SUBTASKS_FAILED: permanent(500, 'No sub-task of the task completed.'),
  NEXT_STAGE_MISSING: permanent(500, 'The hook gave no result and left no sub-task to wait for.'),
  HANDLER_FAILED: retryable(500, 'The handler threw an error that carries no class of its own.'),
  THREAD_ENDED: retryable(
    500,
    'The thread that the handler ran in ended before the handler did; the message says why.',
  ),
  THREAD_MODULE_UNUSABLE: retryable(
    500,
    'A thread cannot load the module of a task type, or the module does not export the task.',
  ),
  THREAD_UNSUPPORTED: permanent(
    500,
    'A handler in a thread used what only a handler on the main thread has.',
  ),
  RECORD_UNREADABLE: permanent(500, 'A stored record cannot be read.'),
  PARAMETERS_TOO_NEW: retryable(503, 'The parameters were stored by a newer version of the task type.'),
  ENGINE_STOPPED: retryable(503, 'The engine is stopping or closed.'),
  STORE_FAILED: retryable(503, 'The store could not do what it was asked.'),
  QUERY_TIMED_OUT: retryable(
    503,
    'The database ended a query that took too long; a narrower filter reads less.',
  ),
  STORE_CLOSED: retryable(503, 'The store is closed.'),
  STORE_FULL: retryable(507, 'The disk of the store is full.'),
  STORE_DAMAGED: permanent(500, 'The disk lost what was written to it; the process has to be started again.'),
  STORE_LOCKED: retryable(503, 'Another process owns the database file.'),
  STORE_UNSUITABLE: permanent(
    500,
    'The database cannot keep the promises: the file or the server lacks a needed setting, an index differs, or the file is no readable database; the message says which.',
  ),
  BROKER_UNSUITABLE: permanent(
    500,
    'The broker has queues or exchanges with other arguments, or refuses the login.',
  ),
  BROKER_UNREACHABLE: retryable(503, 'The broker does not answer.'),
  STORE_NOT_EMPTY: permanent(409, 'The store that is to be filled from another one holds something already.'),
  TRANSFER_INCOMPLETE: permanent(
    503,
    'The store is being filled from another one, or that was cut off or went wrong; it cannot be used yet.',
  ),
  PACKAGE_MISSING: permanent(
    500,
    'A package that this part of the product needs is not installed; the message says which and how to get it.',
  ),
  BACKUP_UNSUPPORTED: permanent(
    409,
    'The store has no file of its own to be copied: MongoDB is backed up by its own tools.',
  ),
  BACKUP_UNUSABLE: permanent(400, 'The file to restore from is no backup of this product, or it is damaged.'),
  STORE_NEWER: permanent(500, 'The database was written by a newer version of the product.'),
  PAGE_TOKEN_INVALID: permanent(400, 'The page token is not one that this listing gave out.'),
  SCHEDULE_INVALID: permanent(
    400,
    'A schedule cannot be started: its cron expression, its parameters, its lane or another option is wrong.',
  ),
  SCHEDULE_DECLARED: permanent(
    409,
    'The program of the server declares the schedule, so it is changed and removed there. It can be paused.',
  ),
  SCHEDULE_EXISTS: permanent(409, 'There is a schedule with this id.'),
  SCHEDULES_FULL: permanent(409, 'As many schedules were made as there may be.'),
  DEAD_LETTER_NOT_FOUND: permanent(404, 'There is no such dead letter.'),
  ENCODING_UNKNOWN: permanent(400, 'The encoding is not one of those that the import reads.'),
  TEXT_UNREADABLE: permanent(400, 'The file is not a text that the import can read.'),
  ENCODING_FIXED: permanent(400, 'The file says in what encoding it is, and cannot be read in another.'),
  FILE_KIND_UNSUPPORTED: permanent(
    422,
    'The file is of a kind that the import does not read; the message says which and what to do.',
  ),
  FILE_PROTECTED: permanent(422, 'The text of the file is encrypted, by a password or by copy protection.'),
  FILE_DAMAGED: permanent(422, 'The file is cut off or broken, so that its text cannot be read.'),
  FILE_LIMIT_EXCEEDED: permanent(
    422,
    'What the file holds goes beyond a bound of the import; the details name the bound.',
  ),
  UPLOAD_NOT_FOUND: permanent(404, 'There is no such upload, or it has expired.'),
  UPLOAD_CONFIRMED: permanent(
    409,
    'A task uses the upload, or another one has: one upload makes one novel, or adds to one.',
  ),
  USER_UPLOADS_FULL: retryable(429, 'The user has as many uploads as one user may have.'),
  UPLOAD_TOO_LARGE: permanent(413, 'The upload is larger than the configured limit.'),
  EXPORT_NOT_FOUND: permanent(
    404,
    'There is no such export: it is not finished, was deleted, or has expired; export the novel again.',
  ),
  EXPORT_OUTDATED: retryable(
    409,
    'Something that the archive holds was deleted while it was written. If the task has failed, submit ExportUser again.',
  ),
  NOVEL_NOT_FOUND: permanent(404, 'There is no such novel.'),
  VOLUME_NOT_FOUND: permanent(404, 'There is no such volume in the novel.'),
  BIN_ENTRY_NOT_FOUND: permanent(
    404,
    'The bin of the novel has no such entry: it was put back, deleted for good, or has expired.',
  ),
  CHAPTER_NOT_FOUND: permanent(404, 'There is no such chapter in the novel.'),
  SCENE_NOT_FOUND: permanent(404, 'There is no such scene, or it was deleted meanwhile.'),
  HISTORY_ENTRY_NOT_FOUND: permanent(
    404,
    'There is no such entry in the history of the scene, or a model made it, no person used it, and 20 newer ones followed.',
  ),
  CANDIDATE_NOT_FOUND: permanent(
    404,
    'The scene has no such candidate, or it was closed and 20 newer ones were closed since.',
  ),
  SNAPSHOT_NOT_FOUND: permanent(404, 'The novel has no such snapshot.'),
  SNAPSHOTS_FULL: permanent(409, 'The novel has as many snapshots as it may have.'),
  CHAPTER_FULL: permanent(409, 'The chapter has as many scenes as it may have.'),
  NOVEL_IS_REFERENCE: permanent(
    409,
    'The novel is a reference: it gives voice and facts to others, and no model writes in it.',
  ),
  NOVEL_NOT_REFERENCE: permanent(409, 'A novel that is named as a reference is none.'),
  SCENE_EMPTY: permanent(409, 'The scene has no text to work on.'),
  SELECTION_NOT_FOUND: permanent(
    409,
    'The text of the scene changed, and the selected text is not in it any more, or more than once.',
  ),
  SCENE_CHANGED: permanent(412, 'The scene was changed by somebody else while the task worked on it.'),
  NOVEL_CHANGED: permanent(
    412,
    'The title, the target or the references of the novel were changed by somebody else since they were read.',
  ),
  VOLUME_CHANGED: permanent(412, 'The volume was changed by somebody else since it was read.'),
  CHAPTER_CHANGED: permanent(412, 'The chapter was changed by somebody else since it was read.'),
  NARRATION_CHANGED: permanent(412, 'The narration was changed by somebody else since it was read.'),
  PROMPT_INVALID: permanent(
    422,
    'The text of a prompt cannot be used: a slot that it must have is missing, it has one that is not there, or a section is not closed.',
  ),
  PROMPTS_CHANGED: permanent(
    412,
    'The prompts of the novel were changed by somebody else since they were read.',
  ),
  SUMMARY_CHANGED: permanent(412, 'The summary was changed by somebody else since it was read.'),
  CODEX_ENTRY_NOT_FOUND: permanent(404, 'There is no such entry in the codex of the novel.'),
  CODEX_ENTRY_CHANGED: permanent(
    412,
    'The entry of the codex was changed by somebody else since it was read.',
  ),
  CODEX_FULL: permanent(409, 'The codex of the novel has as many entries as it may have.'),
  CODEX_TOO_LARGE: permanent(
    422,
    'The entries of the codex that are always in a prompt are longer than the prompt may be; none of them is left out silently.',
  ),
  THREAD_NOT_FOUND: permanent(404, 'The novel has no such thread.'),
  THREAD_CHANGED: permanent(412, 'The thread was changed by somebody else since it was read.'),
  THREADS_FULL: permanent(409, 'The novel has as many threads as it may have.'),
  QUOTATION_NOT_FOUND: permanent(422, 'The text of the scene does not have the quotation of an event.'),
  LOREBOOK_INVALID: permanent(
    422,
    'The file is not a world info file of SillyTavern nor a lorebook of NovelAI that can be read.',
  ),
  ESTIMATE_UNAVAILABLE: permanent(422, 'What tasks of that type will ask of models is not known beforehand.'),
  BUDGET_EXHAUSTED: retryable(
    409,
    'The budget of the tree allows no further call; raise it and the task goes on.',
  ),
  MODEL_RATE_LIMITED: {
    ...retryable(429, 'The provider of the model refuses calls for a while.'),
    errorClass: 'rate-limited',
  },
  MODEL_UNAVAILABLE: retryable(
    502,
    'The provider of the model does not answer, or answers with an error of its own.',
  ),
  MODEL_STALLED: retryable(504, 'The model said nothing for too long.'),
  MODEL_ANSWER_CUT: retryable(502, 'The connection to the model ended before its answer did.'),
  MODEL_ANSWER_EMPTY: retryable(502, 'The model answered with nothing.'),
  MODEL_ANSWER_MALFORMED: retryable(502, 'The answer of the model cannot be read.'),
  MODEL_ANSWER_FILTERED: permanent(422, 'The provider withheld the answer because of its content rules.'),
  MODEL_ANSWER_REFUSED: permanent(422, 'The model declined to write what it was asked for.'),
  MODEL_ANSWER_TRUNCATED: permanent(422, 'The answer reached its longest length before it was complete.'),
  MODEL_CONTEXT_EXCEEDED: permanent(422, 'The text is too long for the context of the model.'),
  MODEL_QUOTA_EXHAUSTED: permanent(402, 'The account at the provider has no credit or quota left.'),
  MODEL_KEY_REJECTED: permanent(502, 'The provider does not accept the key of the account.'),
  MODEL_UNKNOWN: permanent(502, 'The provider does not know the model, or the account may not use it.'),
  MODEL_REQUEST_REFUSED: permanent(502, 'The provider does not accept the request.'),
  MODEL_ADDRESS_FORBIDDEN: permanent(
    403,
    'The address of the provider leads into a network that models may not be called in.',
  ),
  PROVIDER_NOT_CONFIGURED: permanent(409, 'The task needs a language model, and none is configured.'),
  KEPT_MODEL_NOT_FOUND: permanent(404, 'There is no such model among those that are kept in the store.'),
  KEPT_MODELS_CHANGED: permanent(412, 'The kept models were changed by somebody else since they were read.'),
  KEPT_MODELS_UNAVAILABLE: permanent(
    409,
    'This server does not let models be set up over the API, or cannot keep a key.',
  ),
  WEBHOOK_NOT_FOUND: permanent(404, 'There is no such webhook.'),
  WEBHOOKS_FULL: permanent(409, 'There are as many webhooks as there may be.'),
  WEBHOOKS_UNAVAILABLE: permanent(409, 'This server has no webhooks, or cannot keep their secrets.'),
  WEBHOOK_DISABLED: permanent(
    409,
    'The webhook is disabled: a person said so, or its receiver did by HTTP 410. Enable it, and retry the delivery.',
  ),
  WEBHOOK_ADDRESS_FORBIDDEN: permanent(
    403,
    'The address of the webhook is not https://, or leads into a network that webhooks may not be sent to.',
  ),
  WEBHOOK_UNDELIVERED: retryable(
    502,
    'The receiver of the webhook did not answer, or not with a status 2xx.',
  ),
  REQUEST_INVALID: permanent(400, 'The request does not match what the route takes.'),
  REQUEST_TOO_LARGE: permanent(413, 'The body of the request is larger than the limit.'),
  MEDIA_TYPE_UNSUPPORTED: permanent(415, 'The body is not of a media type or encoding that the route takes.'),
  REQUEST_TIMEOUT: retryable(408, 'The request did not arrive in the time that the server waits for one.'),
  HEADERS_TOO_LARGE: permanent(431, 'The headers of the request are larger than the limit.'),
  RANGE_NOT_SATISFIABLE: permanent(
    416,
    'The range of bytes that is asked for begins behind the end of the file.',
  ),
  IF_MATCH_INVALID: permanent(400, 'The If-Match header is not a version that this API gave out.'),
  IF_MATCH_REQUIRED: permanent(
    428,
    'A change of what somebody else may change too must name the version that was read.',
  ),
  ROUTE_NOT_FOUND: permanent(404, 'There is no such address in this API.'),
  METHOD_NOT_ALLOWED: permanent(405, 'The address exists, but not with this method.'),
  UNAUTHENTICATED: permanent(401, 'The request carries no valid credentials.'),
  FORBIDDEN: permanent(403, 'The request comes from another site, or may not do this.'),
  CREDENTIALS_THROTTLED: retryable(
    429,
    'The address sent too many wrong tokens or keys within a minute; a right one is still taken.',
  ),
  REQUESTS_THROTTLED: retryable(
    429,
    'The identity sent more requests within a minute than this server takes from each.',
  ),
  IDENTITY_PROVIDER_UNAVAILABLE: retryable(
    503,
    'The identity provider does not answer as it should, so nobody knows whether its token is valid.',
  ),
  API_KEY_NOT_FOUND: permanent(404, 'There is no such API key.'),
  TOO_MANY_STREAMS: retryable(429, 'More event streams are open than one client or the process may hold.'),
  CONFIG_INVALID: permanent(500, 'A value or file of the configuration cannot be used; it is named.'),
  USAGE_INVALID: permanent(400, 'The command line names a command, an option or a value that is not there.'),
  FILE_UNREADABLE: permanent(400, 'The file that a command was given is not there or cannot be read.'),
  FILE_UNWRITABLE: permanent(400, 'The file that a command was to write cannot be written there.'),
  SERVER_UNREACHABLE: retryable(503, 'The server that owns the data directory does not answer.'),
  INTERNAL: retryable(500, 'Something unexpected happened; the log of the server says more.'),
} as const satisfies Record<
  string,
  { retryable: boolean; status: number; errorClass?: 'rate-limited'; meaning: string }
>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue
