// The health check of the container of MongoDB, run by mongosh in it: healthy once this server takes writes and the account of Quillwork signs
// in. On the way it makes the replica set, an administrator, whom no process of Quillwork knows, and the account, which may read and write one
// database. An account whose password was changed in its file is given the new one.
const { readFileSync } = require('node:fs')

const secret = name => readFileSync(`${process.env.SECRETS ?? '/run/secrets'}/${name}`, 'utf8').trim()
const { username, password, host, pathname } = new URL(secret('store'))
const admin = db.getSiblingDB('admin')
const own = db.getSiblingDB(pathname.slice(1))

function signsIn(database, user, word) {
  try {
    return database.auth(user, word).ok === 1
  } catch {
    return false
  }
}

// Without an account MongoDB lets its own machine make the replica set and the first one. Members must have the names that clients use.
if (!db.hello().setName) rs.initiate({ _id: 'quillwork', members: [{ _id: 0, host }] })
if (!db.hello().isWritablePrimary) quit(1)
if (!signsIn(own, username, password)) {
  const word = secret('mongodb-admin')
  if (!signsIn(admin, 'admin', word)) {
    admin.createUser({ user: 'admin', pwd: word, roles: ['root'] })
    admin.auth('admin', word)
  }
  const account = { pwd: password, roles: [{ role: 'readWrite', db: own.getName() }] }
  if (own.getUser(username)) own.updateUser(username, account)
  else own.createUser({ user: username, ...account })
  if (!signsIn(own, username, password)) quit(1)
}
quit(0)
