// `npm run mutate`: removes one guard at a time from a copy of the repository and shows that a named test fails without it. A mutant
// that survives is a guard that no test holds: it is printed, and the exit code is 1. Not part of `npm test`: it takes some minutes.
// `npm run mutate -- claim sync` runs the mutants whose name has one of the words.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.mjs'

const apply = 'src/store/sqlite/apply.ts'
const attempts = 'src/store/sqlite/attempts.ts'
const claim = 'src/store/sqlite/claim.ts'
const create = 'src/store/sqlite/create.ts'
const leases = 'src/store/sqlite/leases.ts'
const outbox = 'src/store/sqlite/outbox.ts'
const decide = 'src/task/decide.ts'
const transition = 'src/task/transition.ts'

const taskStatuses = [
  ...['QUEUED', 'RUNNING', 'RETRYING', 'COMPLETED', 'COMPLETED_WITH_ERRORS'],
  ...['FAILED', 'DEAD_LETTER', 'CANCELLED'],
]
/** For a status guard that lets everything through. */
const statuses = taskStatuses.map(status => `'${status}'`).join(', ')

const conformance = ['test/store/sqlite.test.ts']
const ofTheFile = ['test/store/sqlite-file.test.ts']
const ofDecide = ['test/task/decide.test.ts']
const rescuer = ['test/store/rescuer.test.ts']

/** Name, file, the text of the guard, what stands there without it, and the tests of which one must fail. */
const mutants = [
  // A transition is one guarded write.
  ['apply: the status', apply, 'from.map(', `[${statuses}].map(`, conformance],
  [
    'apply: the attempt',
    apply,
    "    text += ' AND attempt = ?'\n    values.push(fence.attempt)\n",
    '',
    conformance,
  ],
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
    "if ('version' in fence || row.attempt !== fence.attempt) return 'stale'",
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
    'src/engine/rescue.ts',
    'fence: { attempt: record.attempt, leaseUntil: record.leaseUntil }',
    'fence: { attempt: record.attempt }',
    rescuer,
  ],

  // A claim is one atomic step.
  ['claim: held or not due', claim, ' AND queue IS NOT NULL', '', conformance],
  ['claim: the attempt', claim, ' AND attempt = ?', ' AND (attempt = ? OR 1)', conformance],
  ['claim: the version', claim, ' AND version = ?', ' AND (version = ? OR 1)', conformance],
  ['claim: asked to stop', claim, ' AND cancel_requested_at IS NULL', '', conformance],
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
  [
    'create: the conflict of a key',
    create,
    '?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`',
    '?, ?, ?, ?, ?)`',
    conformance,
  ],
  ['create: the conflict of an id', create, '}) ON CONFLICT DO NOTHING`', '})`', conformance],
  [
    'create: the attempt of the parent',
    create,
    'running = row?.running === 1 && row.attempt === parent.attempt',
    'running = row?.running === 1',
    conformance,
  ],
  [
    'create: the parent runs',
    create,
    'running = row?.running === 1 && row',
    'running = row !== undefined && row',
    conformance,
  ],
  [
    'create: the parent was not asked to stop',
    create,
    'IS NOT NULL AND cancel_requested_at IS NULL AS',
    'IS NOT NULL AS',
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
    leases,
    'WHERE id = ? AND claim_token = ?',
    'WHERE id = ? AND (claim_token = ? OR 1)',
    conformance,
  ],
  [
    'open: earlier leases are void',
    leases,
    'SET lease_until = 0 WHERE',
    'SET lease_until = 0 WHERE 0 AND',
    conformance,
  ],

  // Whose turn it is.
  ['due: one suspect at a time', outbox, 'suspects && window.suspects === 0', 'suspects', conformance],
  [
    'due: one suspect over all lanes',
    outbox,
    '        suspectsToo &&= !inLane.some(delivery => delivery.suspect)\n',
    '',
    conformance,
  ],
  ['due: what was told', outbox, '    if (window.isHanded(seq)) continue\n', '', conformance],
  ['due: a paused lane', outbox, 'room <= 0 || paused ||', 'room <= 0 ||', conformance],
  [
    'prune: no task of the tree is live',
    'src/store/sqlite/prune.ts',
    'AND open.look = 1)',
    'AND open.look = 1 AND open.seq < 0)',
    conformance,
  ],
  [
    'schedules: the tick before',
    'src/store/sqlite/schedules.ts',
    '!== seenTick) return false',
    '!== seenTick && false) return false',
    conformance,
  ],

  // The file.
  [
    'transactions: memory follows an undone commit',
    'src/store/sqlite/transactions.ts',
    "db.exec('ROLLBACK')\n      for (const participant of participants) participant.reset()\n",
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
    '    if (reads.length > 0) {\n      await syncer.settled()\n',
    '    if (reads.length > 0) {\n',
    conformance,
  ],
  [
    'sync: nothing is told after a failed one',
    'src/store/sqlite/database.ts',
    '    if (syncer.failure === undefined) write(writes)\n',
    '    if (writes.length > 0) write(writes)\n',
    ofTheFile,
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
    'src/store/sqlite/migrations.ts',
    'if (version > migrations.length) {',
    'if (version < 0) {',
    ofTheFile,
  ],

  // The decision.
  [
    'decide: a cancel wins',
    decide,
    "record.cancelRequestedAt !== undefined || outcome.kind === 'cancelled'",
    "outcome.kind === 'cancelled'",
    ofDecide,
  ],
  [
    'decide: attempts are limited',
    decide,
    '  if (retryCount >= policy.maxAttempts) {\n    return deadLettered(\n',
    '  if (retryCount < 0) {\n    return deadLettered(\n',
    ofDecide,
  ],
  [
    'decide: crashes are limited',
    decide,
    '  if (retryCount >= policy.maxAttempts) {\n    return deadLettered(record,',
    '  if (retryCount < 0) {\n    return deadLettered(record,',
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
    'const retryCount = progressed ? 1 :',
    'const retryCount = progressed ? record.retryCount + 1 :',
    ofDecide,
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
    '  if (record.cancelRequestedAt !== undefined && isUnheld(record))\n    return cancelledWaiting(record, cancelError(), now)\n',
    '',
    conformance,
  ],
].map(([name, file, find, replace, tests]) => ({ name, file, find, replace, tests }))

const leftOut = /(^|[/\\])(node_modules|\.git|dist|coverage)$/

/** A copy of the repository in which files may be broken; packages are shared with the original. */
function copyRepository() {
  const copy = mkdtempSync(join(tmpdir(), 'quillwork-mutants-'))
  cpSync(root, copy, { recursive: true, filter: source => !leftOut.test(source.replace(/[/\\]$/, '')) })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
  return copy
}

/** Whether the tests pass in the copy, and the first test that fails; undefined when no test ran, which proves nothing. */
function runTests(copy, tests) {
  const vitest = join(copy, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', ...tests, '--bail=1', '--typecheck.enabled=false', '--testTimeout=10000']
  const env = { ...process.env, NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    env,
    encoding: 'utf8',
    timeout: 120_000,
  })
  const failing = /^ FAIL .* > (.*)$/m.exec(`${stdout}${stderr}`)?.[1]
  return { ok: status === 0, failing, output: `${stdout}${stderr}` }
}

/** How often the guard stands in its file; anything but once proves nothing. */
const timesIn = (text, { find }) => text.split(find).length - 1

/** Removes one guard, runs its tests, and puts the guard back. */
function run(copy, mutant) {
  const path = join(copy, mutant.file)
  const guarded = readFileSync(path, 'utf8')
  const began = performance.now()
  writeFileSync(
    path,
    guarded.replace(mutant.find, () => mutant.replace),
  )
  try {
    const { ok, failing, output } = runTests(copy, mutant.tests)
    const verdict = ok ? 'SURVIVED' : failing === undefined ? 'BROKEN' : 'caught'
    return { verdict, failing, output, seconds: (performance.now() - began) / 1_000 }
  } finally {
    writeFileSync(path, guarded)
  }
}

/** Runs the mutants one by one, prints a line each, and answers how many no test missed. */
function runAll(copy, chosen) {
  let missed = 0
  for (const mutant of chosen) {
    const { verdict, failing, output, seconds } = run(copy, mutant)
    if (verdict !== 'caught') missed += 1
    const time = `${seconds.toFixed(1).padStart(5)} s`
    console.log(`${verdict.padEnd(8)} ${time}  ${mutant.name.padEnd(46)} ${failing ?? ''}`)
    if (verdict === 'BROKEN') console.log(output)
  }
  return missed
}

const words = process.argv.slice(2)
const chosen = mutants.filter(({ name }) => words.length === 0 || words.some(word => name.includes(word)))
const copy = copyRepository()
try {
  // Every guard must still be where the list says, and every test must pass before one is removed.
  const lost = chosen.filter(mutant => timesIn(readFileSync(join(copy, mutant.file), 'utf8'), mutant) !== 1)
  for (const { name, file } of lost)
    console.error(`${name}: the guard does not stand in ${file} exactly once`)
  const tests = [...new Set(chosen.flatMap(mutant => mutant.tests))]
  const whole = lost.length > 0 ? undefined : runTests(copy, tests)
  if (whole === undefined) {
    console.error('Bring the list up to date.')
    process.exitCode = 1
  } else if (whole.ok) {
    const missed = runAll(copy, chosen)
    console.log(`\n${chosen.length} guards removed; ${missed} that no test missed`)
    process.exitCode = missed > 0 || chosen.length === 0 ? 1 : 0
  } else {
    console.error(`The tests fail before any guard is removed:\n${whole.output}`)
    process.exitCode = 1
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
