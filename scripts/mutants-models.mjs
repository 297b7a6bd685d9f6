// The guards around calls of models, for `npm run mutate`: what they may cost, what of an answer is taken, whom a text may overwrite,
// what followers read, and where calls may go.

const arithmetic = 'src/engine/budget-arithmetic.ts'
const account = 'src/runtime/account.ts'
const call = 'src/novel/models/call-model.ts'
const holds = 'src/engine/holds.ts'
const sceneGuard = 'src/novel/library/scene-guard.ts'
const history = 'src/novel/library/history.ts'
const languageModel = 'src/ai/providers/language-model.ts'
const guardedFetch = 'src/ai/providers/guarded-fetch.ts'
const mongoOutput = 'src/store/mongodb/output.ts'

const ofBudgets = { files: ['test/engine/budget-arithmetic.test.ts'] }
const settledInOutage = { files: ['test/engine/budget-outage.test.ts'] }
const ofCalls = { files: ['test/novel/tasks/call-account.test.ts'] }
const cutScenes = {
  files: ['test/novel/tasks/generate-scene.test.ts'],
  only: 'what had arrived when the connection',
}
const inParts = { files: ['test/novel/tasks/generate-scene.test.ts'], only: 'pays none twice' }
const ofOutput = { files: ['test/store/sqlite.test.ts'], only: 'output: ' }
const ofMongoOutput = { files: ['test/store/mongodb-output.test.ts'] }
const ofCandidates = { files: ['test/novel/library/sqlite.test.ts'], only: 'candidates' }
const ofTexts = { files: ['test/novel/library/sqlite.test.ts'], only: 'text' }
const ofHistory = {
  files: ['test/novel/library/sqlite.test.ts'],
  only: 'never dropped|no person used|restored it or written over',
}
const ofMongoTexts = {
  files: ['test/novel/library/mongodb-storage.test.ts'],
  only: 'after it was decided about',
}
const ofStreams = { files: ['test/ai/providers/streams.test.ts'], only: 'a stream that is no answer' }
const ofProviders = { files: ['test/ai/providers/providers.test.ts'] }
const ofAddresses = { files: ['test/ai/providers/guarded-fetch.test.ts'] }
const ofModels = { files: ['test/server/models-setting.test.ts'] }
const ofTrust = { files: ['test/server/trust.test.ts'] }
const ofForeign = { files: ['test/cli/foreign-server.test.ts'] }
const ofProof = { files: ['test/cli/proof.test.ts'] }
const ofKeys = { files: ['test/server/key-file.test.ts'], only: 'cannot be opened' }

/** Name, file, the text of the guard, what stands there without it, and the tests of which one must fail. */
export const modelMutants = [
  // What followers read.
  [
    'output: the attempt',
    'src/store/sqlite/output.ts',
    'writes.map(write => fenced(session, write, seq => addPiece(session, seq, write)))',
    `writes.map(write => {
          const row = session.sql('SELECT tasks.seq FROM tasks WHERE id = ?').get(write.taskId)
          if (row === undefined) return 'missing'
          addPiece(session, row.seq, write)
          return 'applied'
        })`,
    ofOutput,
  ],
  [
    'mongodb output: the attempt',
    mongoOutput,
    'filter: { ...heldBy(run), $or: placesBefore(run) }',
    'filter: { _id: { $eq: run.taskId }, $or: placesBefore(run) }',
    ofMongoOutput,
  ],
  [
    'mongodb output: pieces of the attempt that the task names',
    mongoOutput,
    'attempt: { $eq: attempt }, sequence: range }',
    'sequence: range }',
    ofMongoOutput,
  ],
  [
    'mongodb output: nothing is read behind a gap',
    mongoOutput,
    'pieces: gap < 0 ? found : found.slice(0, gap)',
    'pieces: gap < 0 ? found : found.slice(0)',
    ofMongoOutput,
  ],

  // What calls may cost.
  [
    'budget: what is spent and reserved leaves less capacity',
    arithmetic,
    'if (fits(capacityOf(account), need)) return undefined',
    'if (fits(account.limit, need)) return undefined',
    ofBudgets,
  ],
  [
    'account: a call that runs is counted',
    account,
    'bucket: charge(account.used, at, amount), amount, leaseEnd',
    'bucket: at, amount, leaseEnd',
    ofBudgets,
  ],
  [
    'budget: a hold whose lease has ended counts as spent',
    arithmetic,
    'const amount = held?.amount ?? amountOf(estimate)',
    'const amount = held?.amount ?? nothing',
    ofBudgets,
  ],
  [
    'budget: a named hold that is gone gives nothing back',
    arithmetic,
    'greater(real, amount) : real',
    'real : real',
    ofBudgets,
  ],
  [
    'account: a settled call counts at its cost, and its estimate no more',
    account,
    'refund(used, bucket, excess(amount, real))',
    'refund(used, bucket, excess(real, real))',
    ofBudgets,
  ],
  [
    'budget: the first word about a call counts',
    'src/engine/holds.ts',
    'return this.#open.delete(allowance) || this.#left.delete(allowance)',
    'return this.#open.delete(allowance) || this.#left.has(allowance)',
    settledInOutage,
  ],
  [
    'budget: a call that is told again is counted once',
    'src/engine/budget.ts',
    '!isThere && (isAgain || wasHeld)',
    '!isThere && isAgain && !wasHeld',
    settledInOutage,
  ],
  [
    'budget: only those are woken that fit',
    arithmetic,
    'needs.map(need => take(capacity, need))',
    'needs.map(need => take(capacity, need) || true)',
    ofBudgets,
  ],
  [
    'budget: nobody is woken for capacity that was promised',
    arithmetic,
    '  subtract(capacity, promisedAt(account, now))\n',
    '',
    ofBudgets,
  ],

  // A call.
  ['call: what a failed one used', call, '    running.used(usage, isAnswered)\n', '', ofCalls],
  ['call: no word after the end', call, 'if (!ctx.signal.aborted) call.onText', 'call.onText', ofCalls],
  ['call: no answer after the end', call, '    ctx.signal.throwIfAborted()\n', '', ofCalls],
  [
    'call: its use is recorded',
    holds,
    '      ctx.addUsage({ ...usage, ...defined({ subject, call: name }) }),\n',
    '',
    ofCalls,
  ],
  [
    'call: it is begun before it is made',
    'src/novel/models/call-model.ts',
    '    await beginCall(ctx, name, { unit, model: model.id, inputTokens, parameters })\n',
    '',
    cutScenes,
  ],
  [
    'call: what had arrived when it was cut is kept',
    'src/novel/models/write-scene.ts',
    'const cut = isStored ? undefined : await takeCutPart(ctx, scene, part)',
    'const cut = isStored ? undefined : ((await takeCutPart(ctx, scene, part)) as undefined) && undefined',
    cutScenes,
  ],
  [
    'usage: a named call counts once',
    'src/store/sqlite/usage.ts',
    'WHERE is_estimated = 1 AND excluded',
    'WHERE excluded',
    { files: ['test/store/sqlite.test.ts'], only: 'a named call counts once' },
  ],
  [
    'usage by day: a report that is read meanwhile sees each call once',
    'src/store/sqlite/usage.ts',
    'coversDays(filter, request.by) ? session.usageTurns.read(read) : read()',
    'read()',
    { files: ['test/store/sqlite.test.ts'], only: 'a report that is read meanwhile' },
  ],
  [
    'usage by day: the calls of a live tree are left',
    'src/store/sqlite/usage.ts',
    'filter(call => call.mayRun === 0)',
    'filter(() => true)',
    { files: ['test/store/sqlite.test.ts'], only: 'calls of a live tree are left' },
  ],
  [
    'account: what an earlier attempt reserved is settled',
    arithmetic,
    '    settleHold(account.used, held, amount, inTotal)\n',
    '',
    ofBudgets,
  ],
  [
    'call: one that waits gives the budget back',
    holds,
    '    await hold.release()\n    throw error\n',
    '    throw error\n',
    ofCalls,
  ],
  [
    'call: a checkpoint before the next one',
    'src/novel/models/write-scene.ts',
    'await ctx.checkpoint(part.name, write, { isProgress: cut === undefined })',
    'await write()',
    inParts,
  ],

  // What of an answer is taken.
  [
    'answer: one that was filtered is no text',
    languageModel,
    "    case 'content-filter':\n      return 'MODEL_ANSWER_FILTERED'\n",
    "    case 'content-filter':\n      return undefined\n",
    ofProviders,
  ],
  [
    'answer: one that is too long is no whole one',
    languageModel,
    "      return 'MODEL_ANSWER_TRUNCATED'\n",
    '      return undefined\n',
    ofProviders,
  ],
  [
    'answer: a stream that breaks off is no whole one',
    languageModel,
    "? 'MODEL_ANSWER_MALFORMED' : 'MODEL_ANSWER_CUT'",
    "? 'MODEL_ANSWER_MALFORMED' : undefined",
    ofProviders,
  ],
  [
    'answer: what ends without a word of its end is none',
    languageModel,
    '    default:\n      return unfinished(accumulator)\n',
    '    default:\n      return undefined\n',
    ofStreams,
  ],
  [
    'answer: a blank one is none',
    languageModel,
    "texts.some(text => text.trim() !== '')",
    "texts.some(text => text !== '')",
    ofStreams,
  ],
  [
    'answer: a refusal is no text',
    'src/ai/providers/accumulator.ts',
    '      accumulator.refused ||= isRefusal(part.rawValue)\n',
    '',
    ofStreams,
  ],

  // Whom a text may overwrite.
  [
    'text: what was not seen is not overwritten',
    sceneGuard,
    'return expectedVersion < seen || expectedVersion > version',
    'return expectedVersion > version',
    ofTexts,
  ],
  [
    'candidate: replaces no text by itself',
    sceneGuard,
    "return accept === 'automatically' || content.trim() === ''",
    'return true',
    ofCandidates,
  ],
  [
    'candidate: one that is known is not proposed again',
    'src/novel/library/keep-candidates.ts',
    'if (known?.sceneId === proposal.sceneId) {',
    "if (known?.sceneId === '') {",
    ofCandidates,
  ],
  [
    'candidate: accepted over what the author has seen alone',
    'src/novel/library/keep-candidates.ts',
    "  if (isStale(scene, 'text', expectedVersion)) return 'conflict'\n  const by",
    '  const by',
    ofCandidates,
  ],
  [
    'candidate: a run is undone where its text stands alone',
    'src/novel/library/undo-run.ts',
    '({ id }) => id === text.origin?.accepted?.candidateId',
    '({ replaced }) => replaced !== undefined',
    ofCandidates,
  ],
  [
    'summary: one that was overwritten does not come back',
    'src/novel/library/keep-history.ts',
    "  if (await isOverwritten(library, id, entry)) return { outcome: 'applied', ...seen }\n",
    '',
    { files: ['test/novel/library/history-cost.test.ts'] },
  ],
  [
    'summary: one that is refused is kept',
    'src/novel/library/keep-history.ts',
    'keep(library, scene, { entries: [entry] })',
    'keep(library, scene, { entries: [] })',
    ofTexts,
  ],
  [
    'mongodb text: the version that was decided about',
    'src/records/records.ts',
    "change.over !== 'none' && Object.entries(change.over).every(([field, value]) => held[field] === value)",
    "change.over !== 'none'",
    ofMongoTexts,
  ],
  [
    'history: what models made is bounded',
    'src/novel/library/keep-history.ts',
    'dropped.push(...orders.slice(0, -generatedEntries))',
    'dropped.push(...orders.slice(orders.length))',
    ofHistory,
  ],
  [
    'history: what persons wrote stays',
    history,
    'return isMade && taskOf(writtenBy) !== undefined && !isUsed',
    'return !isUsed',
    ofHistory,
  ],
  [
    'history: what a person wrote over stays',
    history,
    'return isMade && taskOf(writtenBy) !== undefined && !isUsed',
    'return isMade && taskOf(writtenBy) !== undefined',
    ofHistory,
  ],
  [
    'history: what a person restored stays',
    'src/novel/library/keep-history.ts',
    'const isOther = (each: number) => each !== order',
    'const isOther = (each: number) => each !== -1',
    ofHistory,
  ],

  // Where calls may go, and with what key.
  [
    'address: a private one',
    guardedFetch,
    'isIP(literal) !== 0 && !allows(addressScopeOf(literal))',
    'isIP(literal) !== 0 && !URL.canParse(address)',
    ofAddresses,
  ],
  [
    'address: a name that leads to a private one',
    'src/ai/providers/address-scope.ts',
    'addresses.filter(({ address }) => allows(addressScopeOf(address)))',
    "addresses.filter(({ address }) => address !== '')",
    ofAddresses,
  ],
  [
    'address: http:// is for private addresses',
    guardedFetch,
    "scope === 'public' ? protocol === 'https:' :",
    "scope === 'public' ? protocol !== '' :",
    ofAddresses,
  ],
  ['address: no redirect is followed', guardedFetch, "redirect: 'manual'", "redirect: 'follow'", ofAddresses],
  [
    'key file: an entry belongs to its name',
    'src/server/key-file.ts',
    '[name, ...origins]',
    'origins',
    ofKeys,
  ],
  [
    'key file: an entry belongs to its origins',
    'src/server/key-file.ts',
    '[name, ...origins]',
    '[name]',
    ofKeys,
  ],
  [
    'key file: a key goes to its origins alone',
    'src/server/key-file.ts',
    'if (!entry.origins.includes(origin)) return entry.origins\n',
    '',
    ofKeys,
  ],
  [
    'key variables: no other one is read',
    'src/server/key-source.ts',
    'name === shortKeyVariable || providerVariables.has(name)',
    "name !== ''",
    ofModels,
  ],
  [
    'key variables: the key of a provider goes to it alone',
    'src/server/key-source.ts',
    "if (isTheirs && protocol === 'https:') return undefined\n",
    "if (isTheirs || protocol === 'https:') return undefined\n",
    ofModels,
  ],
  [
    'trust: what a found file sets is asked about',
    'src/server/trust.ts',
    'settings.length === 0 || isTrusted(place, needed)',
    "settings.length === 0 || place !== ''",
    ofTrust,
  ],
  [
    'trust: a file that changed is asked about again',
    'src/server/trust.ts',
    '?.digest === digestOf(needed)',
    '?.digest !== undefined',
    ofTrust,
  ],
  [
    'server.json: the address is of this machine',
    'src/cli/foreign-server.ts',
    '(!isLoopback(address) && !own.includes(address))',
    'false',
    ofForeign,
  ],
  [
    'server.json: the process is alive, and of the user',
    'src/cli/foreign-server.ts',
    '(maySignal(pid) &&',
    '(pid > 0 &&',
    ofForeign,
  ],
  [
    'server.json: who listens there is the user',
    'src/cli/foreign-server.ts',
    '.every(isOwnUser)',
    '.every(uid => uid >= 0)',
    ofForeign,
  ],
  [
    'proof: nothing is sent without it',
    'src/cli/proof.ts',
    'given.length !== wanted.length || !timingSafeEqual(given, wanted)',
    'given.length === 0',
    ofProof,
  ],
  [
    'proof: of this address alone',
    'src/server/data-directory.ts',
    `server proof\\n\${url}\\n`,
    `server proof\\n`,
    ofProof,
  ],
  [
    'token: other names of the address are for tokens that are set',
    'src/server/server.ts',
    "? ['localhost'] : config.allowedHosts",
    '? [] : config.allowedHosts',
    { files: ['test/server/server.test.ts'] },
  ],
].map(([name, file, find, replace, tests]) => ({ name, file, find, replace, tests }))
