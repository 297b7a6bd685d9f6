import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository, temporaryFolder } from './cli/quillwork.ts'

/** The package as it is published, in an empty project that has installed nothing else. */

interface Manifest {
  exports: Record<string, { module?: string; default: string } | string>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  peerDependenciesMeta: Record<string, { optional: boolean }>
}

const readManifest = (name: string) =>
  JSON.parse(readFileSync(path.resolve(repository, name), 'utf8')) as Manifest
const manifest = readManifest('package.json')
const entries = Object.entries(manifest.exports).flatMap(([place, conditions]) =>
  typeof conditions === 'string' ? [] : [{ name: `quillwork${place.slice(1)}`, ...conditions }],
)

const serverPackage = /^quillwork-server-\d.*\.tgz$/

const compilersFolder = temporaryFolder()

/**
 * Returns the compilers that users have, by version: that of the repository, and those that `typescript/package.json` names. Without the registry of npm only
 * the former.
 */
function findCompilers(): [version: string, tsc: string][] {
  const cases: [string, string][] = [['5.9', path.join(repository, 'node_modules/typescript/bin/tsc')]]
  const source = path.join(import.meta.dirname, 'typescript')
  const { dependencies } = readManifest(path.join(source, 'package.json'))
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(path.join(source, name), path.join(`${compilersFolder}`, name))
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: `${compilersFolder}`, stdio: 'ignore' })
  if (status !== 0) return cases
  const bin = (name: string) => path.join(`${compilersFolder}`, 'node_modules', name, 'bin/tsc')
  return [
    ...cases,
    ...Object.keys(dependencies).map((name): [string, string] => [
      name.replace('typescript-', ''),
      bin(name),
    ]),
  ]
}

const compilers = findCompilers()

let folder: ReturnType<typeof temporaryFolder>

/** Puts packages of the repository into the project. They find what they bring themselves where they really are. */
function install(project: string, names: readonly string[]): void {
  for (const name of names) {
    const place = path.join(project, 'node_modules', name)
    mkdirSync(path.dirname(place), { recursive: true })
    symlinkSync(path.join(repository, 'node_modules', name), place, 'dir')
  }
}

/** Puts what was packed under a name into a project, and returns its folder there. */
function unpack(project: string, packed: RegExp, name: string): string {
  const own = path.join(project, 'node_modules', name)
  mkdirSync(own, { recursive: true })
  const file = readdirSync(`${folder}`).find(each => packed.test(each)) ?? ''
  execFileSync('tar', ['-xzf', path.join(`${folder}`, file), '-C', own, '--strip-components=1'])
  return own
}

/** Makes a project with the packed library and what npm would install with it. */
function makeProject(name: string, more: readonly string[] = []): string {
  const project = path.join(`${folder}`, name)
  unpack(project, /^quillwork-\d.*\.tgz$/, 'quillwork')
  install(project, [...Object.keys(manifest.dependencies), ...more])
  writeFileSync(path.join(project, 'package.json'), '{"type":"module"}')
  return project
}

/** Runs a program of the project, and returns what it printed as JSON. */
function runIn<T>(project: string, file: string, text: string): T {
  writeFileSync(path.join(project, file), text)
  return JSON.parse(execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8' })) as T
}

const names = JSON.stringify(entries.map(({ name }) => name))

/** Loads each entry, and says how that went. */
const importAll = `
  const said = {}
  for (const name of ${names})
    await import(name).then(() => { said[name] = 'loaded' }, error => { said[name] = error.code + ': ' + error.message })
  console.log(JSON.stringify(said))`
const requireAll = `
  const said = {}
  for (const name of ${names})
    try { require(name); said[name] = 'loaded' } catch (error) { said[name] = error.code + ': ' + error.message }
  console.log(JSON.stringify(said))`

beforeAll(() => {
  folder = temporaryFolder()
  execFileSync('npm', ['run', '--silent', 'pack', '--', `${folder}`], { cwd: repository, stdio: 'ignore' })
})
afterAll(() => {
  folder[Symbol.dispose]()
  compilersFolder[Symbol.dispose]()
})

describe('the package in an empty project', () => {
  test.each([
    ['import', 'all.js', importAll],
    ['require', 'all.cjs', requireAll],
  ])('%s loads an engine on SQLite and a client; other parts say what they need', (how, file, text) => {
    const said = runIn<Record<string, string>>(makeProject(`alone-${how}`), file, text)
    for (const { name, module } of entries) {
      if (module === undefined) expect(said[name], name).toBe('loaded')
      else expect(said[name], name).toMatch(/^PACKAGE_MISSING: .* Run: npm install \S+@\^\d/)
    }
    expect(said['quillwork/mongodb']).toContain('quillwork/mongodb needs mongodb, which is not installed.')
  })

  test('the command line says what to run in place of it', () => {
    const bin = 'node_modules/quillwork/bin/quillwork.js'
    const { status, stderr } = spawnSync(process.execPath, [bin, 'serve'], {
      cwd: makeProject('command'),
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(stderr).toContain('It comes with @quillwork/server: npx @quillwork/server serve.')
  })

  test('the command line is that of the server where both are installed', () => {
    const project = makeProject('both')
    const own = unpack(project, serverPackage, '@quillwork/server')
    const { version, dependencies } = JSON.parse(
      readFileSync(path.join(own, 'package.json'), 'utf8'),
    ) as Manifest & { version: string }
    const missing = Object.keys(dependencies).filter(name => !(name in manifest.dependencies))
    install(project, missing)
    const bin = 'node_modules/quillwork/bin/quillwork.js'
    const printed = execFileSync(process.execPath, [bin, '--version'], { cwd: project, encoding: 'utf8' })
    expect(printed.trim()).toBe(version)
    execFileSync(process.execPath, [bin, 'init', 'made'], { cwd: project })
    const made = readManifest(path.join(project, 'made/package.json'))
    expect(made.dependencies['quillwork']).toBe(version)
    expect(readdirSync(path.join(project, 'made')).sort()).toEqual(
      ['.gitignore', 'README.md', 'package.json', 'src', 'tsconfig.json'].sort(),
    )
  })

  test('runs a task on SQLite, and says what to install where a model lacks its packages', () => {
    const project = makeProject('engine', ['zod', 'saxes', 'yauzl', 'yazl'])
    const printed = runIn<{ result: string; code: string }>(
      project,
      'run.js',
      `import { createEngine, defineTask } from 'quillwork'
      import { createLanguageModel } from 'quillwork/novel'
      import { sqlite } from 'quillwork/sqlite'
      import { z } from 'zod'
      const hello = defineTask({
        type: 'Hello', parameters: z.object({ name: z.string() }), result: z.string(),
        execute: ctx => 'Hello, ' + ctx.parameters.name,
      })
      const engine = await createEngine({ tasks: [hello], store: sqlite({ file: 'tasks.db' }) })
      await engine.start()
      const result = await (await engine.submit(hello, { name: 'reader' })).result()
      await engine.stop()
      const config = { provider: 'openai-compatible', model: 'm', baseUrl: 'https://models.example', contextTokens: 8000, maxOutputTokens: 100, fallbacks: [], privateNetwork: false }
      const { code } = await createLanguageModel('m', config, { key: undefined }).prepare().catch(error => error)
      console.log(JSON.stringify({ result, code }))`,
    )
    expect(printed).toEqual({ result: 'Hello, reader', code: 'PACKAGE_MISSING' })
  })

  test('each part loads with the packages that it names, and all share one engine', () => {
    const project = makeProject('whole', Object.keys(manifest.peerDependencies))
    const said = runIn<Record<string, string>>(project, 'all.js', importAll)
    expect(new Set(Object.values(said))).toEqual(new Set(['loaded']))
    const isOne = runIn<boolean>(
      project,
      'one.js',
      `import { createLanguageModel } from 'quillwork/novel'
      import { QuillworkError } from 'quillwork'
      let error
      try { createLanguageModel('m', { provider: 'openai-compatible' }, {}) } catch (thrown) { error = thrown }
      console.log(JSON.stringify(error instanceof QuillworkError))`,
    )
    expect(isOne).toBe(true)
  })

  test('has its documents, its examples, and its sources in the source maps', () => {
    const own = path.join(makeProject('files'), 'node_modules/quillwork')
    for (const name of ['docs/README.md', 'docs/errors.md', 'examples/book.ts', 'CHANGELOG.md', 'LICENSE'])
      expect(readFileSync(path.join(own, name), 'utf8'), name).toBe(
        readFileSync(path.join(repository, name), 'utf8'),
      )
    const map = JSON.parse(readFileSync(path.join(own, 'dist/index.js.map'), 'utf8')) as {
      sourcesContent: string[]
    }
    expect(map.sourcesContent).toEqual([readFileSync(path.join(repository, 'src/index.ts'), 'utf8')])
  })
})

// Without the registry it is skipped, and the own compiler alone is tried.
test.skipIf(compilers.length === 1)('npm has installed the other versions of TypeScript', () => {
  expect(compilers.map(([version]) => version)).toEqual(['5.9', '5.4', '5.6', '6', '7'])
})

describe.each(compilers)('the types of the package in TypeScript %s', (version, tsc) => {
  /** Compiles a program of a project, and returns what the compiler says. */
  function compile(project: string, resolution: string, file: string, text: string): string {
    const compilerOptions = {
      target: 'ES2022',
      lib: ['ES2023', 'ESNext.Disposable'],
      module: resolution === 'Bundler' ? 'ESNext' : resolution,
      moduleResolution: resolution,
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: false,
    }
    writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
    writeFileSync(path.join(project, file), text)
    return spawnSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: project, encoding: 'utf8' }).stdout
  }

  const program = `import { createEngine, type Engine } from 'quillwork'
    import { sqlite } from 'quillwork/sqlite'
    export const made: Promise<Pick<Engine, 'stop'>> = createEngine({ tasks: [], store: sqlite({ file: 'a.db' }) })`
  const everyPart = entries.map(({ name }, index) => `export * as part${index} from '${name}'`).join('\n')

  test.each(['Node16', 'NodeNext', 'Bundler'])('hold with skipLibCheck off: %s', resolution => {
    const project = makeProject(`types-${version}-${resolution}`, ['@types/node'])
    expect(compile(project, resolution, 'program.ts', program)).toBe('')
  })

  test('hold in every part with skipLibCheck off', () => {
    const project = makeProject(`parts-${version}`, [
      '@types/node',
      ...Object.keys(manifest.peerDependencies),
    ])
    expect(compile(project, 'NodeNext', 'parts.ts', everyPart)).toBe('')
  })

  test.skipIf(Number.parseFloat(version) < 5.8)('hold where a CommonJS module requires it: NodeNext', () => {
    const project = makeProject(`required-${version}`, ['@types/node'])
    expect(compile(project, 'NodeNext', 'program.cts', program)).toBe('')
  })
})

describe('the package of the server', () => {
  test('has each optional peer of the library in one version, which the library takes', () => {
    const { dependencies } = readManifest('packages/server/package.json')
    expect(manifest.peerDependencies).toEqual(
      Object.fromEntries(Object.entries(dependencies).map(([name, version]) => [name, `^${version}`])),
    )
    expect(new Set(Object.keys(manifest.peerDependenciesMeta))).toEqual(new Set(Object.keys(dependencies)))
  })
})
