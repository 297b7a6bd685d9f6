/** The health check of the container of MongoDB, which makes its accounts, run by mongosh as it is. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithMongo } from '../servers/mongo.ts'
import { type PrivateMongo, privateMongo } from '../servers/private-mongo.ts'
import { makeFolder, removeFolder } from '../servers/process.ts'

const deploy = path.join(import.meta.dirname, '../../deploy')
const missing = spawnSync('mongosh', ['--version']).status !== 0
if (missing)
  process.stderr.write(
    '\nSKIPPED: the accounts of MongoDB. Install mongosh (npm install --global mongosh).\n\n',
  )

describeWithMongo('the health check of MongoDB', () => {
  const folder = makeFolder('accounts')
  let server: PrivateMongo
  beforeAll(async () => {
    server = await privateMongo({ durable: false })
    makeSecrets()
  }, 120_000)
  afterAll(async () => {
    await server?.stop()
    removeFolder(folder)
  })

  const makeSecrets = () => execFileSync('sh', [path.join(deploy, 'make-secrets.sh'), folder])
  /** The exit code of the check. */
  const check = () =>
    spawnSync('mongosh', ['--port', `${server.port}`, '--quiet', path.join(deploy, 'mongodb-health.js')], {
      env: { ...process.env, SECRETS: folder },
    }).status
  /** The address that the processes have, but for where the server is. */
  const address = () =>
    readFileSync(path.join(folder, 'store'), 'utf8')
      .trim()
      .replace('mongodb:27017', `127.0.0.1:${server.port}`)
      .replace(/\?.*/, '?directConnection=true')

  async function signsIn(url: string): Promise<boolean> {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 })
    try {
      await client.db().command({ ping: 1 })
      return true
    } catch {
      return false
    } finally {
      await client.close()
    }
  }

  test.skipIf(missing)(
    'makes an account for one database, once, and gives it a changed password',
    async () => {
      expect(await signsIn(address())).toBe(false)
      expect(check()).toBe(0)
      expect(check()).toBe(0)
      const before = address()
      expect(await signsIn(before)).toBe(true)
      const client = new MongoClient(server.url)
      const { users } = await client.db('quillwork').command({ usersInfo: 1 })
      expect(users).toMatchObject([{ user: 'quillwork', roles: [{ role: 'readWrite', db: 'quillwork' }] }])
      await client.close()
      rmSync(path.join(folder, 'store'))
      makeSecrets()
      expect(check()).toBe(0)
      expect([await signsIn(address()), await signsIn(before)]).toEqual([true, false])
    },
  )

  test.skipIf(missing)('is not healthy where the account cannot be made', () => {
    for (const name of ['store', 'mongodb-admin']) rmSync(path.join(folder, name))
    writeFileSync(path.join(folder, 'mongodb-admin'), 'not the word of the administrator')
    makeSecrets()
    expect(check()).not.toBe(0)
  })
})
