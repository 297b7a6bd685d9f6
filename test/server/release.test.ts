import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const root = path.join(import.meta.dirname, '../..')
const textOf = (name: string) => readFileSync(path.join(root, name), 'utf8')

interface Job {
  needs?: string
  permissions?: Record<string, string>
  steps: { uses?: string; run?: string; with?: Record<string, unknown> }[]
}

describe('npm run sbom', () => {
  interface Sbom {
    bomFormat: string
    metadata: { component: { name: string; version: string } }
    components: {
      purl: string
      'bom-ref': string
      hashes?: { alg: string; content: string }[]
    }[]
    dependencies: { ref: string; dependsOn: string[] }[]
  }
  interface Lock {
    packages: Record<string, { name?: string; version?: string; link?: boolean; dev?: boolean }>
  }

  test('lists what is installed with the package, with hashes, and asks nobody', () => {
    const printed = execFileSync('npm', ['run', '--silent', 'sbom'], {
      cwd: root,
      encoding: 'utf8',
      // A registry at which nothing listens.
      env: { ...process.env, npm_config_registry: 'http://127.0.0.1:9/', npm_config_offline: 'true' },
      maxBuffer: 64 * 1_048_576,
    })
    const sbom = JSON.parse(printed) as Sbom
    const { name, version } = JSON.parse(textOf('package.json')) as { name: string; version: string }
    expect(sbom.bomFormat).toBe('CycloneDX')
    expect(sbom.metadata.component).toMatchObject({ name, version })
    const lock = JSON.parse(textOf('package-lock.json')) as Lock
    const installed = Object.entries(lock.packages)
      .filter(([place, each]) => place !== '' && each.dev !== true && each.link !== true)
      .map(
        ([place, each]) =>
          `pkg:npm/${(each.name ?? place.split('node_modules/').at(-1))?.replace('@', '%40')}@${each.version}`,
      )
    expect(installed.length).toBeGreaterThan(50)
    expect(new Set(sbom.components.map(({ purl }) => purl))).toEqual(new Set(installed))
    const refs = [`${name}@${version}`, ...sbom.components.map(each => each['bom-ref'])]
    expect(sbom.dependencies.map(({ ref }) => ref).sort()).toEqual(refs.sort())
    for (const { dependsOn } of sbom.dependencies) expect(refs).toEqual(expect.arrayContaining(dependsOn))
    // The package of the server is a folder here, which has none.
    for (const { purl, hashes } of sbom.components.filter(each => !each.purl.includes('%40quillwork/')))
      expect(hashes?.[0], purl).toEqual({ alg: 'SHA-512', content: expect.stringMatching(/^[\da-f]{128}$/) })
  })
})

describe('the workflow of a release', () => {
  const text = textOf('.github/workflows/release.yml')
  const workflow: {
    on: object
    permissions: object
    jobs: Record<string, Job>
  } = parse(text)
  const jobs = Object.entries(workflow.jobs)
  const runs = ({ steps }: Job) => steps.flatMap(({ run }) => run ?? [])

  test('starts with a tag alone, and each job has the rights that it needs', () => {
    expect(workflow.on).toEqual({ push: { tags: ['v*.*.*'] } })
    expect(workflow.permissions).toEqual({})
    expect(Object.fromEntries(jobs.map(([name, { permissions }]) => [name, permissions]))).toEqual({
      test: { contents: 'read' },
      pack: { contents: 'read' },
      publish: { 'id-token': 'write' },
      release: { contents: 'write' },
    })
    expect(text).not.toMatch(/secrets\./)
  })

  test('uses actions by their commits, which keep no right on the disk', () => {
    const used = jobs.flatMap(([, { steps }]) => steps.filter(({ uses }) => uses !== undefined))
    expect(used.length).toBeGreaterThan(3)
    for (const { uses, with: inputs } of used) {
      expect(uses).toMatch(/^actions\/[\w-]+@[\da-f]{40}$/)
      if (uses?.startsWith('actions/checkout') === true) expect(inputs?.['persist-credentials']).toBe(false)
    }
  })

  test('publishes with provenance what the tests have passed, and releases it with its SBOM', () => {
    const { test: tests, pack, publish, release } = workflow.jobs
    if (tests === undefined || pack === undefined || publish === undefined || release === undefined)
      throw new Error('A job is missing.')
    expect([pack.needs, publish.needs, release.needs]).toEqual(['test', 'pack', 'publish'])
    expect(runs(tests)).toEqual(expect.arrayContaining(['npm run check', 'npm test']))
    expect(runs(pack)).toContain('npm run pack -- release')
    // Whoever may publish runs no program of a dependency.
    expect(runs(publish)).toEqual(
      ['./quillwork-[0-9]*.tgz', './quillwork-server-*.tgz'].map(
        file => `npm publish ${file} --provenance --access public --ignore-scripts`,
      ),
    )
    expect(runs(release)[0]).toBe('npm run --silent sbom > sbom.cdx.json')
    expect(runs(release)[1]).toMatch(/^gh release create "\$GITHUB_REF_NAME" sbom\.cdx\.json --verify-tag /)
    // Scripts of the package take the name of the tag from the environment, never as text of the command.
    for (const [, job] of jobs) for (const run of runs(job)) expect(run).not.toContain('${{')
  })
})
