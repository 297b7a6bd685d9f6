// The guards of the distributed composition, for `npm run mutate`. A row of the acceptance matrix shows most of them; where no row can,
// a test of the store does.

const apply = 'src/store/mongodb/apply.ts'
const pipeline = 'src/store/mongodb/pipeline.ts'
const claim = 'src/store/mongodb/claim.ts'
const database = 'src/store/mongodb/database.ts'
const failures = 'src/store/mongodb/failures.ts'
const publisher = 'src/broker/rabbitmq/publisher.ts'
const consume = 'src/engine/consume.ts'
const leases = 'src/store/mongodb/partitions.ts'

/** The tests of one row: their file, and what in their names tells them from the others. */
const row = (file, only) => ({ files: [`test/faults/${file}.test.ts`], only, built: true })

const zombies = row('workers', 'row 5, row 6')
const slowSweeper = row('trees', 'row 27: .*extended')
const returned = row('messages', 'row 14')
const nonsense = row('messages', 'row 18: messages')
const acknowledged = row('workers', 'row 3: .*acknowledged nothing')
const conformance = { files: ['test/store/mongodb.test.ts'] }

const processes = { files: ['test/store/mongodb-processes.test.ts'] }
const uncounted = { files: ['test/store/mongodb-uncounted.test.ts'] }
const lostAnswers = { files: ['test/store/mongodb-faults.test.ts'], only: 'the first of each kind' }
const partitions = { files: ['test/store/mongodb-partitions.test.ts'] }
const away = { files: ['test/distributed/broker-away.test.ts'] }
const simulation = { files: ['test/distributed/simulation.test.ts'] }
const promises = { files: ['test/faults/promises.test.ts'] }
const refusal = { files: ['test/distributed/state.test.ts'], only: 'weakens the promises' }

const sending = { files: ['test/store/mongodb-faults.test.ts'], only: 'does not execute at once' }
const plans = { files: ['test/store/mongodb-plans.test.ts'] }

/** Name, file, the text of the guard, what stands there without it, and the tests of which one must fail. */
export const distributedMutants = [
  // A query is bounded, and never runs twice at once.
  [
    'mongodb failures: what has not answered may still run',
    failures,
    '        await atMost(timeLimitOf(deadlineMs), last, () => undefined)\n',
    '',
    sending,
  ],
  [
    'mongodb failures: a write that was ended may be done',
    failures,
    '        return Object.hasOwn(writes, name) ? withOpenEnd(answer as Promise<unknown>) : answer\n',
    '        return answer\n',
    sending,
  ],
  [
    'mongodb queries: every depth is a range of its own',
    'src/store/mongodb/queries.ts',
    'depth: rootsOnly === true ? { $eq: 0 } : everyDepth,',
    'depth: rootsOnly === true ? { $eq: 0 } : { $gte: 0 },',
    plans,
  ],
  [
    'mongodb lanes: waiting tasks by every depth',
    'src/store/mongodb/lanes.ts',
    'const filter = { depth: everyDepth, lane, userId, priority, ...unstarted }',
    'const filter = { lane, userId, priority, ...unstarted }',
    plans,
  ],
  // An event is published once while nothing fails.
  [
    'mongodb events: a new task is left to whoever claims it',
    'src/store/mongodb/events.ts',
    '  if (last === undefined || !isOurs(last)) return undefined\n',
    '  if (last === undefined) return undefined\n',
    { files: ['test/store/mongodb-events.test.ts'] },
  ],
  [
    'rabbitmq queue depth: two counts a second',
    'src/broker/rabbitmq/queue-depth.ts',
    'if (next !== undefined && now - lastAt >= countEveryMs)',
    'if (next !== undefined)',
    { files: ['test/broker/queue-depth.test.ts'] },
  ],
  // A transition is one guarded write.
  [
    'mongodb trim: the status',
    'src/store/mongodb/prune.ts',
    "const completedAt = task?.status === 'COMPLETED' ? task.completedAt?.getTime() : undefined",
    'const completedAt = task?.completedAt?.getTime()',
    conformance,
  ],
  [
    'mongodb apply: the attempt',
    pipeline,
    "    filter.attempt = 'attempt' in fence ? fence.attempt : fence.lastAttempt\n",
    '',
    zombies,
  ],
  [
    'mongodb apply: the lease end',
    pipeline,
    'if (fence.leaseUntil !== undefined) {',
    'if (fence.leaseUntil === 0) {',
    slowSweeper,
  ],
  [
    'mongodb apply: the lease end that was read',
    pipeline,
    '      filter.leaseUntil = new Date(fence.leaseUntil)\n',
    '',
    slowSweeper,
  ],
  [
    "mongodb apply: the lease is over by the server's clock",
    pipeline,
    "      filter.$expr = { $lte: ['$leaseUntil', context.serverNow()] }\n",
    '',
    processes,
  ],
  [
    'mongodb apply: the version',
    pipeline,
    "if ('version' in fence) filter.version = fence.version\n  else {",
    "if (!('version' in fence)) {",
    conformance,
  ],
  [
    'mongodb apply: a write recognises itself',
    apply,
    'task.lastWrites?.includes(name) ||',
    "name === '' ||",
    lostAnswers,
  ],
  [
    'mongodb create: a write recognises itself',
    'src/store/mongodb/create.ts',
    'if (found?.lastWrites?.includes(name) === true) return true',
    "if (name === '') return true",
    lostAnswers,
  ],
  [
    'mongodb create: all, or none',
    'src/store/mongodb/new-task.ts',
    '  return isRefused ? answers : undefined\n',
    '  return isRefused && answers.length === 0 ? answers : undefined\n',
    conformance,
  ],
  [
    'mongodb create: a transaction recognises itself',
    'src/store/mongodb/create.ts',
    'if (!areWritten && !(await areOurs(session, inserts))) {',
    'if (!areWritten) {',
    lostAnswers,
  ],
  [
    'mongodb extend: the token',
    claim,
    '    claimToken: { $in: leases.map(({ token }) => token) },\n',
    '',
    conformance,
  ],
  [
    'mongodb extend: whose lease it is',
    claim,
    'if (task?.claimToken !== token)',
    "if (task === undefined || token === '')",
    conformance,
  ],

  // What is acknowledged is held by a majority.
  [
    'mongodb open: a weaker write concern is refused',
    database,
    "w === undefined || w === 'majority'",
    'w !== 0',
    refusal,
  ],
  [
    'mongodb: each write asks for a majority',
    database,
    "new WriteConcern('majority', undefined, true)",
    'new WriteConcern(1)',
    promises,
  ],

  // Sub-tasks and their counts.
  ['mongodb claim: a sub-task that nobody counted', claim, ', counted: { $exists: true } }', ' }', processes],
  [
    'mongodb create: no place in line before the count',
    'src/store/mongodb/new-task.ts',
    '  if (parent !== undefined || claim !== undefined) return {}\n',
    '  if (claim !== undefined) return {}\n',
    uncounted,
  ],
  [
    'mongodb: no place in line before the count',
    pipeline,
    "{ $and: [isThere('$parentTaskId'), isAbsent('$counted')] },\n    removed,",
    'false,\n    removed,',
    uncounted,
  ],
  [
    'mongodb aggregate: its version',
    'src/store/mongodb/aggregate.ts',
    ", 'aggregate.version': version === undefined ? { $exists: false } : version }",
    ' }',
    row('trees', 'row 24'),
  ],

  // The partitions of relays.
  [
    'mongodb send: the right is taken once, whoever holds the partition',
    'src/store/mongodb/relay.ts',
    'guard: { ready: { $exists: true } },',
    'guard: {},',
    partitions,
  ],
  [
    'mongodb partitions: a relay reads its own share',
    leases,
    'names.filter((_, index) => index % place.of === place.at)',
    'names.filter((_, index) => index % place.of >= 0)',
    simulation,
  ],
  ['mongodb partitions: a lease is over', leases, 'until > now() && (', 'until > 0 && (', partitions],
  [
    'mongodb partitions: a relay holds nothing that it gave back',
    leases,
    'return isReleased ? undefined : members.placeIn(lane)',
    'return members.placeIn(lane)',
    partitions,
  ],
  [
    'mongodb partitions: the largest number is served',
    leases,
    'Math.max(ownCount, ...relays.map(relay => relay.count ?? 0))',
    'ownCount + 0 * relays.length',
    partitions,
  ],
  [
    'mongodb partitions: what has none is sent too',
    leases,
    'partitions.includes(nameOf(0)) ? [queue, ...found] : found',
    'found',
    partitions,
  ],
  [
    'mongodb partitions: what has none is aggregated too',
    leases,
    'partitions.includes(nameOf(0)) ? [true, ...partitions] : [...partitions]',
    '[...partitions]',
    partitions,
  ],
  [
    'mongodb partitions: of a lane, relays that send it',
    leases,
    'lane === undefined || lanes.includes(lane)',
    'lane === undefined || lanes.length > 0',
    partitions,
  ],
  [
    'mongodb partitions: the holder is told',
    leases,
    'if (notifyOthers !== undefined && !holds(partition)) elsewhere.add',
    'if (notifyOthers !== undefined && holds(partition)) elsewhere.add',
    partitions,
  ],
  [
    'mongodb partitions: one process aggregates a parent',
    'src/store/mongodb/parents.ts',
    'if (partitions.holds(partition)) return [taskId]',
    "if (taskId !== '') return [taskId]",
    partitions,
  ],

  [
    'mongodb partitions: a relay that fails leaves its share to others',
    'src/store/mongodb/outbox.ts',
    'partitions.failed()\n    throw error',
    'throw error',
    partitions,
  ],
  [
    'mongodb partitions: so does one whose broker takes nothing',
    'src/store/mongodb/outbox.ts',
    '&& !wasAlone && !flags.isAlone) partitions.failed()',
    ') undefined',
    partitions,
  ],
  [
    'mongodb partitions: where every relay has failed, all go on',
    leases,
    'live.length === 0 ? all : undefined',
    'undefined',
    partitions,
  ],

  // A broker that is away.
  [
    'mongodb send: what the broker had is taken back',
    'src/store/mongodb/poll.ts',
    'flags.sentAlone = true',
    '',
    away,
  ],
  [
    'engine relay: what finds no slot while the broker is away goes back in line',
    'src/engine/relay.ts',
    'if (this.#until <= this.#core.clock.monotonic()) this.clear()',
    'if (false) this.clear()',
    away,
  ],
  [
    'rabbitmq away: what is to be held for a time does not start at once',
    'src/broker/rabbitmq/broker.ts',
    'isNow && workers',
    'workers',
    { files: ['test/broker/rabbitmq-faults.test.ts'] },
  ],

  // Messages.
  [
    'rabbitmq publish: mandatory',
    publisher,
    'persistent: true, mandatory }',
    'persistent: true, mandatory: mandatory && false }',
    returned,
  ],
  [
    'rabbitmq publish: what was returned is not confirmed',
    publisher,
    "? 'returned' : 'confirmed'",
    "? 'confirmed' : 'confirmed'",
    returned,
  ],
  [
    'rabbitmq topology: the dead letter exchange',
    'src/broker/rabbitmq/topology.ts',
    "    'x-dead-letter-exchange': exchange,\n",
    "    ...(exchange === '' ? { 'x-dead-letter-exchange': exchange } : {}),\n",
    nonsense,
  ],
  [
    'rabbitmq: a dead letter does not return to its queue',
    'src/broker/rabbitmq/unacked-message.ts',
    'nack(this.message, false, false)',
    'nack(this.message, false, true)',
    nonsense,
  ],
  [
    'acknowledge last: after the claim',
    consume,
    '  const { taskId, attempt, lane } = received.delivery\n  const request',
    '  const { taskId, attempt, lane } = received.delivery\n  received.ack()\n  const request',
    acknowledged,
  ],
  [
    'acknowledge last: after the outcome is durable',
    consume,
    '    attempt.settling = true\n',
    '    attempt.settling = true\n    slot.ack(false)\n',
    acknowledged,
  ],
].map(([name, file, find, replace, tests]) => ({ name, file, find, replace, tests }))
