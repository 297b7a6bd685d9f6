// The guards of the engine and of the embedded composition, for `npm run mutate`.

const apply = 'src/store/sqlite/apply.ts'
const attempts = 'src/store/sqlite/attempts.ts'
const claim = 'src/store/sqlite/claim.ts'
const create = 'src/store/sqlite/create.ts'
const outbox = 'src/store/sqlite/outbox.ts'
const listing = 'src/store/sqlite/listing-index.ts'
const listings = 'src/store/sqlite/listings.ts'
const keys = 'src/store/sqlite/keys.ts'
const decide = 'src/task/decide.ts'
const transition = 'src/task/transition.ts'
const guards = 'src/http/guards.ts'

const conformance = ['test/store/sqlite.test.ts']
const ofTheFile = ['test/store/sqlite-file.test.ts']
const ofListing = ['test/store/sqlite-listing.test.ts']
const ofKeys = ['test/store/sqlite-keys.test.ts']
const ofMany = ['test/store/sqlite-together.test.ts']
const ofSyncs = ['test/store/sqlite-sync.test.ts']
const ofSpace = ['test/store/sqlite-space.test.ts']
const ofWaits = ['test/engine/waits.test.ts']
const ofSuccessors = ['test/engine/successors.test.ts']
const ofDecide = ['test/task/decide.test.ts']
const rescuer = ['test/store/rescuer.test.ts']
const ofDeletion = ['test/novel/tasks/delete-novel.test.ts']
const tokenTable = ['test/http/token-table.test.ts']

/** Name, file, the text of the guard, what stands there without it, and the tests of which one must fail. */
export const embeddedMutants = [
  // A transition is one guarded write.
  [
    'apply: the status',
    apply,
    '  return `status IN (',
    '  return `status IS NOT NULL OR status IN (',
    conformance,
  ],
  [
    'apply: the attempt',
    apply,
    "    text += ' AND attempt = ?'\n    values.push('attempt' in fence ? fence.attempt : fence.lastAttempt)\n",
    '',
    conformance,
  ],
  [
    'waits: a signal that the handler has not seen',
    apply,
    "      text += ' AND coalesce(signal_count, 0) = ?'\n      values.push(fence.signalCount)\n",
    '',
    conformance,
  ],
  [
    'waits: the handler looks again',
    'src/engine/settle.ts',
    "if (applied === 'stale' && transition.name === 'waiting')",
    'if (false)',
    ofWaits,
  ],
  [
    'waits: a signal ends one wait',
    'src/engine/wait.ts',
    ' || this.#taken.has(id)) continue',
    ') continue',
    ofWaits,
  ],
  [
    'waits: of other parameters too',
    'src/engine/wait.ts',
    "    if (typeof step === 'object') taken.add(step.signal)\n",
    '',
    ofWaits,
  ],
  [
    'waits: by their keys',
    'src/engine/wait.ts',
    'if (own === undefined) this.#ordinals',
    'if (true) own = undefined, this.#ordinals',
    ofWaits,
  ],
  [
    'waits: a retry counts in a later attempt too',
    'src/engine/wait.ts',
    'attempt >= since &&',
    'attempt === since &&',
    ofWaits,
  ],
  [
    'waits: a signal that nothing waits for keeps out no other',
    'src/engine/wait.ts',
    '(!isAwaited || signal.name === name)',
    'true',
    ofWaits,
  ],
  ['waits: out of the line', 'src/task/wait-transitions.ts', ' leavesLine: true,', '', conformance],
  [
    'waits: an interrupted one ends',
    'src/engine/context.ts',
    'if (held.interruption !== undefined) reject',
    'if (false) reject',
    ofWaits,
  ],
  [
    'after: a submission on its way',
    'src/engine/sub-tasks.ts',
    '  if (keys.length > 0) await earlier()\n',
    '',
    ofSuccessors,
  ],
  [
    'after: what is cancelled while a retry is on its way',
    'src/engine/retry.ts',
    'for (let last = applied; last.includes(true)',
    'for (let last = applied; false && last.includes(true)',
    ofSuccessors,
  ],
  [
    'after: what is cancelled for one that was retried',
    'src/engine/aggregate.ts',
    "isApplied && transition.name === 'not-attempted'",
    'false',
    ofSuccessors,
  ],
  [
    'waits: steps beside it end first',
    'src/engine/context.ts',
    'if (this.#busy === 0 && !this.hasReturned',
    'if (!this.hasReturned',
    ofWaits,
  ],
  [
    'waits: the time of an earlier attempt',
    'src/engine/wait.ts',
    'this.#waiter.record.waits?.find(wait => wait.key === key)?.until',
    'undefined',
    ofWaits,
  ],
  [
    'apply: a refused write leaves a large text',
    apply,
    '  if (changes > 0) storeLarge(',
    '  storeLarge(',
    conformance,
  ],
  // The index of listings follows the tasks that it has, and is not relied on for the others.
  [
    'listing: the status of a listed task is followed',
    listing,
    '      if (seq <= taken()) moved.add(seq)\n',
    '',
    ofListing,
  ],
  [
    'listing: a new task gets the number of a deleted one',
    listing,
    'if (seq <= taken()) index(',
    'if (seq < 0) index(',
    ofListing,
  ],
  ['listing: a write that was undone is taken again', listing, '      last = undefined\n', '', ofListing],
  [
    'listing: what is left out is read too',
    listings,
    'const leavesOut = lead.source.isListing === true &&',
    'const leavesOut = false &&',
    ofListing,
  ],
  // Idempotency keys: in memory those of the tasks that the index of listings leaves out, in a table the others.
  ['keys: those of new tasks are remembered', keys, '      leftOut.set(key, seq)\n', '', ofKeys],
  ['keys: what may miss one is read again', keys, 'if (mayMiss) leftOut = undefined', '', ofKeys],
  ['keys: that of a deleted task is free', keys, '.run(seq, seq)', '.run(seq, 0)', ofKeys],
  [
    'apply: the version',
    apply,
    "    text += ' AND version = ?'\n    values.push(fence.version)\n",
    '',
    conformance,
  ],
  [
    'apply: the lease end',
    apply,
    'if (fence.leaseUntil !== undefined) {',
    'if (fence.leaseUntil === 0) {',
    conformance,
  ],
  [
    'apply: the phase',
    apply,
    'if (fromPhase === undefined) return text',
    "if (fromPhase !== 'never') return text",
    conformance,
  ],
  [
    'apply: told twice is applied once',
    apply,
    "if (set.status !== undefined) return row.status === set.status ? 'applied' : 'stale'",
    "if (set.status !== undefined) return 'stale'",
    conformance,
  ],
  [
    'apply: the second of two people is stale',
    apply,
    "if (!('attempt' in fence) || row.attempt !== fence.attempt) return 'stale'",
    "if ('attempt' in fence && row.attempt !== fence.attempt) return 'stale'",
    conformance,
  ],
  [
    'transition: the phase of an attempt',
    transition,
    'fromPhase: phase, fence: { attempt }',
    'fence: { attempt }',
    conformance,
  ],
  [
    'transition: the phase of a result',
    transition,
    '    from: running,\n    fromPhase: record.phase,\n',
    '    from: running,\n',
    conformance,
  ],
  [
    'rescue: the rescuer is fenced',
    'src/engine/lease.ts',
    'fence: { attempt: record.attempt, leaseUntil: record.leaseUntil }',
    'fence: { attempt: record.attempt }',
    rescuer,
  ],

  // A claim is one atomic step.
  ['claim: held or not due', claim, ' AND queue IS NOT NULL', '', conformance],
  ['claim: the attempt', claim, ' AND attempt = ?', ' AND (attempt = ? OR 1)', conformance],
  ['claim: the version', claim, ' AND version = ?', ' AND (version = ? OR 1)', conformance],
  ['claim: asked to stop', claim, ` AND \${noCancelRequested}`, '', conformance],
  [
    'claim: the parent',
    claim,
    'parents.get(parentId) ?? parentAllows(session, parentId)',
    'true',
    conformance,
  ],
  [
    'create: a claim overtakes nobody',
    create,
    '  return first === undefined\n',
    '  return true\n',
    conformance,
  ],
  ['create: a claim in a paused lane', create, '  if (lane.paused) return false\n', '', conformance],

  // Creation.
  ['create: the conflict of an id or a key', create, '}) ON CONFLICT DO NOTHING`', '})`', conformance],
  [
    'create: the attempt of the parent',
    create,
    'holder.pluck().get(taskId) === attempt',
    'holder.pluck().get(taskId) !== undefined',
    conformance,
  ],
  ['create: the parent runs', create, 'lease_until IS NOT NULL AND ', '', conformance],
  [
    'create: the parent was not asked to stop',
    create,
    `IS NOT NULL AND \${noCancelRequested}`,
    'IS NOT NULL',
    conformance,
  ],

  // What an attempt leaves behind, and its lease.
  [
    'progress and checkpoints: the attempt',
    attempts,
    'row.attempt !== attempt || row.held === 0',
    'row.held === 0',
    conformance,
  ],
  [
    'progress and checkpoints: still held',
    attempts,
    'row.attempt !== attempt || row.held === 0',
    'row.attempt !== attempt',
    conformance,
  ],
  [
    'checkpoints: the first value stays',
    attempts,
    'VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    'VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    conformance,
  ],
  [
    'extend: the token',
    claim,
    'WHERE id = ? AND claim_token = ?',
    'WHERE id = ? AND (claim_token = ? OR 1)',
    conformance,
  ],
  [
    'open: earlier leases are void',
    claim,
    'SET lease_until = 0 WHERE',
    'SET lease_until = 0 WHERE 0 AND',
    conformance,
  ],

  // Whose turn it is.
  [
    'due: one quarantined task at a time',
    outbox,
    'quarantined - inFlight.quarantined',
    'quarantined',
    conformance,
  ],
  [
    'due: one quarantined task over all lanes',
    outbox,
    '        quarantinedLeft -= inLane.filter(({ crashCount }) => isQuarantined(crashCount)).length\n',
    '',
    conformance,
  ],
  ['due: what was published', outbox, '    if (inFlight.isInFlight(seq)) continue\n', '', conformance],
  ['due: a paused lane', outbox, 'paused || waiting', 'waiting', conformance],
  [
    'prune: no task of the tree is live',
    'src/store/sqlite/prune.ts',
    'AND open.look = 1)',
    'AND open.look = 1 AND open.seq < 0)',
    conformance,
  ],
  [
    'erase: no task of the tree is live',
    'src/store/sqlite/prune.ts',
    'root.get(rootTaskId) === undefined ? 0 : pruneTree',
    'pruneTree',
    conformance,
  ],
  [
    'erase: cells that are deleted',
    'src/store/sqlite/file.ts',
    "    db.pragma('secure_delete = FAST')\n",
    '',
    ofSpace,
  ],
  [
    'erase: free pages that stay',
    'src/store/sqlite/space.ts',
    "  if (!releases) db.pragma('secure_delete = ON')\n",
    '',
    ofSpace,
  ],
  [
    'erase: the free pages',
    'src/store/sqlite/database.ts',
    'steps < mostScrubs && (await read(space.freePages)) > 0',
    'steps < 0',
    ofSpace,
  ],
  ['erase: the log', 'src/store/sqlite/database.ts', '  await read(space.cutLog)\n', '', ofSpace],
  [
    'erase: what is not this novel',
    'src/novel/erase.ts',
    'novelId === undefined && isEarlier',
    'isEarlier',
    ofDeletion,
  ],
  [
    'erase: what came since',
    'src/novel/erase.ts',
    ' <= erasure.submittedAt',
    ' <= Number.POSITIVE_INFINITY',
    ofDeletion,
  ],
  [
    'erase: a novel that an import publishes meanwhile',
    'src/novel/erase.ts',
    "=== 'kept')",
    "=== 'kept' && novelId === '')",
    ofDeletion,
  ],
  [
    'erase: the clean-up leaves the novel to its task',
    'src/novel/drafts.ts',
    '      if (await isBeingErased(engine, draft)) continue\n',
    '',
    ofDeletion,
  ],
  [
    'erase: a file that is arriving',
    'src/novel/erase.ts',
    '  if (subject.novelId === undefined) refuseArrivals(services, subject.userId, erasure.submittedAt)\n',
    '',
    ofDeletion,
  ],
  [
    'uploads: a file without a row that has just arrived',
    'src/novel/upload-files.ts',
    'await uploads.stored(keepUploadMs)',
    'await uploads.stored(0)',
    ['test/novel/tasks/import-novel.test.ts'],
  ],
  [
    'uploads: the file of a live import',
    'src/novel/upload-files.ts',
    'confirmation !== undefined && !(await isOver(engine, confirmation.taskId))',
    'confirmation !== undefined && false',
    ['test/novel/tasks/import-novel.test.ts'],
  ],
  [
    'trim: the status',
    'src/store/sqlite/prune.ts',
    "status = 'COMPLETED' AND completed_at <= ? AS isDone",
    'coalesce(completed_at, 0) <= ? AS isDone',
    conformance,
  ],
  [
    'schedules: the tick before',
    'src/store/schedules.ts',
    'if (held?.lastTick !== seenTick) return false',
    'if (held?.lastTick !== seenTick && false) return false',
    conformance,
  ],

  // The file.
  [
    'transactions: memory follows an undone commit',
    'src/store/sqlite/transactions.ts',
    "db.exec('ROLLBACK')\n    for (const participant of participants) participant.reset()\n",
    "db.exec('ROLLBACK')\n",
    ofTheFile,
  ],
  [
    'transactions: memory follows an undone job',
    'src/store/sqlite/transactions.ts',
    "RELEASE job')\n    for (const participant of participants) participant.reset()\n",
    "RELEASE job')\n",
    ofTheFile,
  ],
  [
    'sync: a read waits for it',
    'src/store/sqlite/database.ts',
    '    await syncer.settled()\n    for (const job of jobs) {\n',
    '    for (const job of jobs) {\n',
    conformance,
  ],
  [
    'sync: nothing is told after a failed one',
    'src/store/sqlite/database.ts',
    '      if (syncer.failure !== undefined) return refuse(jobs, syncer.failure)\n',
    '',
    ofSyncs,
  ],
  ['create: all, or none', create, '  if (isRefused) return checked\n', '', conformance],
  [
    'create: what the same call creates counts for its limits',
    create,
    '  if (planned === undefined) return refusalOf(waiting, limits)\n',
    '  if (waiting.user >= 0) return refusalOf(waiting, limits)\n',
    conformance,
  ],
  [
    'transactions: nobody is handed what may yet be undone',
    outbox,
    '      while (file.openTransaction !== undefined) await file.openTransaction\n      let quarantinedLeft',
    '      let quarantinedLeft',
    ofMany,
  ],
  [
    'sync: no transaction is open while the log is written again',
    'src/store/sqlite/database.ts',
    '      await syncer.settled()\n      if (syncer.failure !== undefined) return void refuse([job], syncer.failure)\n',
    '',
    ofMany,
  ],
  [
    'sync: the log is written again after a failed one',
    'src/store/sqlite/log.ts',
    '    writeAt(descriptor, bytes, end)\n',
    '',
    ofSyncs,
  ],
  [
    'sync: what was lost does not reach the file',
    'src/store/sqlite/log.ts',
    '  fs.ftruncateSync(descriptor, committed)\n',
    '',
    ofSyncs,
  ],
  [
    'sync: a log that lost a page is seen',
    'src/store/sqlite/log.ts',
    '      if (!chain.takes(frame)) break\n',
    '      chain.takes(frame)\n',
    ofSyncs,
  ],
  [
    'space: a log whose sync failed is not copied into the file',
    'src/store/sqlite/database.ts',
    'if (syncer.failure === undefined) space.checkpoint()',
    'space.checkpoint()',
    ofSpace,
  ],
  [
    'space: new pages count for the length of the log',
    'src/store/sqlite/space.ts',
    ' || pages() - length >= mostNewPages',
    '',
    ofSpace,
  ],
  [
    'space: the log of a store that is at work is not cut off',
    'src/store/sqlite/database.ts',
    'if (last === before || releases > 0)',
    'if (last === before || releases >= 0)',
    ofSpace,
  ],
  [
    'open: the settings are read back',
    'src/store/sqlite/file.ts',
    "    if (file !== ':memory:') readBack(db, file)\n",
    '',
    ofTheFile,
  ],
  [
    'open: a newer schema',
    'src/store/sqlite/file.ts',
    'if (version > migrations.length) {',
    'if (version < 0) {',
    ofTheFile,
  ],

  // The decision.
  [
    'decide: a cancel wins',
    decide,
    "isCancelRequested(record) || outcome.kind === 'cancelled'",
    "outcome.kind === 'cancelled'",
    ofDecide,
  ],
  [
    'decide: attempts and crashes are limited',
    decide,
    '  if (retryCount >= policy.maxAttempts) return',
    '  if (retryCount < 0) return',
    ofDecide,
  ],
  [
    'decide: a checkpoint starts the crashes anew',
    decide,
    'const crashCount = progressed ? 1 :',
    'const crashCount = progressed ? record.crashCount + 1 :',
    ofDecide,
  ],
  [
    'decide: a checkpoint starts the retries anew',
    decide,
    'progressed ? 0 : record.retryCount + spent',
    'progressed ? record.retryCount + 1 : record.retryCount + spent',
    ofDecide,
  ],
  [
    'decide: a checkpoint starts the retries of failures anew',
    decide,
    '(hasProgressed(record) ? 0 : record.retryCount) + 1',
    'record.retryCount + 1',
    ofDecide,
  ],
  [
    'decide: a checkpoint starts the retries anew, also of an attempt that waits',
    decide,
    '  if (!hasProgressed(record)) return transition\n',
    '  if (record.attempt > 0) return transition\n',
    ofDecide,
  ],
  [
    'retry: edited parameters begin without checkpoints',
    'src/engine/retry.ts',
    '  return { ...edited, checkpointScope: scopeWithout(record, keepCheckpoints ?? []) }',
    '  return edited',
    ['test/engine/explicit-retry.test.ts'],
  ],
  [
    'retry: a step that has not ended is not run again by name',
    'src/engine/retry.ts',
    '!finished.has(step) || step.startsWith(ownKeyPrefix)',
    'step.startsWith(ownKeyPrefix)',
    ['test/engine/repeat-steps.test.ts'],
  ],
  [
    'checkpoint: a mark is no progress',
    'src/store/sqlite/attempts.ts',
    'if (write.isMark !== true) sql(progressed)',
    'sql(progressed)',
    conformance,
  ],
  [
    'decide: only a crash in quarantine spends a retry',
    decide,
    'const spent = isQuarantined(record.crashCount) ? 1 : 0',
    'const spent = 1',
    ofDecide,
  ],
  [
    'relay: no quarantined task before what an earlier process left running is found',
    'src/engine/relay.ts',
    "settings.roles.has('maintenance') && !swept.isRescued ? 0 : 1",
    '1',
    ['test/engine/lanes.test.ts'],
  ],
  [
    'quarantine: none beside a task on probation',
    'src/engine/quarantine.ts',
    '(running.onProbation === 0 || !isQuarantined(crashCount))',
    'true',
    ['test/engine/quarantine.test.ts'],
  ],
  [
    'quarantine: none on probation beside a quarantined task',
    'src/engine/quarantine.ts',
    'return running.quarantined === 0 &&',
    'return (running.quarantined === 0 || !isQuarantined(crashCount)) &&',
    ['test/engine/quarantine.test.ts'],
  ],
  [
    'decide: no retry past the deadline',
    decide,
    'return record.deadline !== undefined && at >= record.deadline',
    'return record.deadline === at - at',
    ofDecide,
  ],
  [
    'decide: a parent waits for live sub-tasks',
    decide,
    '  if (liveOf(record.subTaskStatusSummary) > 0) return undefined\n',
    '',
    ofDecide,
  ],
  [
    'decide: a parent obeys a cancel',
    decide,
    '  if (isCancelRequested(record) && isUnheld(record)) return cancelledWaiting(record, cancelError(), now)\n',
    '',
    conformance,
  ],
  [
    'token: HEAD is asked for it too',
    guards,
    '    if (!isOpen) {\n',
    "    if (!isOpen && request.method !== 'HEAD') {\n",
    tokenTable,
  ],
  [
    'token: an address without a route is no page',
    guards,
    '? pages?.answersFor(request.url) === true',
    '? true',
    tokenTable,
  ],
  [
    'token: no route is open but those of the list',
    'src/http/routes/limits.ts',
    "  get('/v1/limits', {\n",
    "  get('/v1/limits', {\n    config: { open: true },\n",
    tokenTable,
  ],
].map(([name, file, find, replace, files]) => ({ name, file, find, replace, tests: { files } }))
