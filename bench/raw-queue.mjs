import Database from 'better-sqlite3'

/**
 * The yardstick, not a product: the least that a durable SQLite queue can do with a promise per step. One thread, WAL,
 * synchronous=FULL. The adds, claims and completions of one event-loop turn share one transaction, and no promise resolves
 * before the commit that covers it. No retries, leases, users, lanes, events or errors.
 */
export function openRawQueue(file) {
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('CREATE TABLE task (id INTEGER PRIMARY KEY, status INTEGER NOT NULL, parameters TEXT NOT NULL)')
  db.exec('CREATE INDEX ready ON task (id) WHERE status = 0')
  const insert = db.prepare('INSERT INTO task (status, parameters) VALUES (0, ?)')
  const settle = db.prepare('UPDATE task SET status = 2 WHERE id = ? AND status = 1')
  const claim = db.prepare(`UPDATE task SET status = 1 WHERE id IN
    (SELECT id FROM task WHERE status = 0 ORDER BY id LIMIT ?) RETURNING id, parameters`)

  let adds = []
  const claims = []
  let completions = []
  let ready = 0
  let scheduled = false

  const write = db.transaction((newTasks, finished, waiting) => {
    for (const task of newTasks) insert.run(task.parameters)
    for (const task of finished) settle.run(task.id)
    const room = Math.min(waiting, ready + newTasks.length)
    return room === 0 ? [] : claim.all(room)
  })
  const flush = () => {
    scheduled = false
    const added = adds
    const finished = completions
    adds = []
    completions = []
    const claimed = write(added, finished, claims.length)
    ready += added.length - claimed.length
    for (const task of added) task.resolve()
    for (const task of finished) task.resolve()
    const served = claims.splice(0, claimed.length)
    for (let i = 0; i < served.length; i++) served[i](claimed[i])
  }
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  }

  return {
    add: parameters =>
      new Promise(resolve => {
        adds.push({ parameters: JSON.stringify(parameters), resolve })
        schedule()
      }),
    claim: () =>
      new Promise(resolve => {
        claims.push(resolve)
        if (ready > 0) schedule()
      }),
    complete: id =>
      new Promise(resolve => {
        completions.push({ id, resolve })
        schedule()
      }),
    close: () => db.close(),
  }
}
