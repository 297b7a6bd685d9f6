import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { streamed } from '../../src/http/streams/sse.ts'
import { requireBuilt } from '../process/crash/built.ts'
import { blocksOf, stepsOf } from './markdown.ts'
import { createProject, type Project, root } from './project.ts'
import { check, type DocumentedServer, hasCurl, startServer } from './server.ts'

interface Parameter {
  in: string
  name: string
}

const tour = readFileSync(path.join(root, 'docs', 'api.md'), 'utf8')

describe('the tour of the API, against a server', () => {
  let project: Project
  let server: DocumentedServer

  beforeAll(async () => {
    requireBuilt()
    project = createProject()
    mkdirSync(path.join(project.folder, 'samples'))
    copyFileSync(
      path.join(root, 'samples', 'the-salt-ledger.txt'),
      path.join(project.folder, 'samples', 'the-salt-ledger.txt'),
    )
    const command = path.join(root, 'bin', 'quillwork.js')
    server = await startServer([command, 'serve', '--port', '0'], {
      cwd: project.folder,
      env: { QUILLWORK_LOG_LEVEL: 'error' },
    })
  }, 120_000)
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    project.remove()
  })

  const steps = blocksOf(tour).flatMap(block => stepsOf(block.text))

  it.skipIf(!hasCurl)(
    'answers every command as shown',
    () => {
      /** Each command runs in a shell of its own, which is given what those before it assigned. */
      const assigned: string[] = []
      const run = (command: string) =>
        project.run([...assigned, command].join('\n').replaceAll('http://127.0.0.1:7420', server.url))
      for (const step of steps) {
        const name = /^(\w+)=/.exec(step.command)?.[1]
        if (name === undefined) check(step, run)
        else {
          const value = run(`${step.command}\nprintf %s "$${name}"`).stdout
          assigned.push(`${name}='${value.replaceAll("'", "'\\''")}'`)
        }
      }
    },
    120_000,
  )

  async function describedPaths() {
    const token = readFileSync(path.join(project.folder, '.quillwork', 'server.token'), 'utf8').trim()
    const headers = { authorization: `Bearer ${token}` }
    const document = await (await fetch(`${server.url}/v1/openapi.json`, { headers })).json()
    return (document as { paths: Record<string, Record<string, { parameters?: Parameter[] }>> }).paths
  }

  it('names every route that there is, and no other', async () => {
    const paths = await describedPaths()
    const served = Object.entries(paths).flatMap(([route, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${route}`),
    )
    const named = [...tour.matchAll(/^\| `([A-Z]+ \S+)` \|/gm)].map(([, route]) => route)
    expect(named.sort()).toEqual(served.sort())
  })

  const quotedIn = (text = '') => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name).sort()

  it('names every filter of a stream of events', async () => {
    const { parameters = [] } = (await describedPaths())['/v1/events']?.['get'] ?? {}
    const filters = parameters.filter(each => each.in === 'query').map(({ name }) => name)
    expect([...quotedIn(/\(filters: ([^;]+);/.exec(tour)?.[1]), 'lastEventId', 'format'].sort()).toEqual(
      filters.sort(),
    )
  })

  it('names every event of a stream', () => {
    const rows = [...tour.matchAll(/^\| (`task\..*?`) \|/gm)].flatMap(([, names]) => quotedIn(names))
    expect(rows.sort()).toEqual([...new Set(Object.values(streamed).map(({ name }) => name))].sort())
  })
})
