import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireBuilt } from '../process/crash/built.ts'
import { type Block, blocksOf, looksLike, stepsOf } from './markdown.ts'
import { createProject, type Project, root } from './project.ts'
import { check, hasCurl, startServer } from './server.ts'

beforeAll(requireBuilt, 120_000)

const textOf = (document: string) => readFileSync(path.join(root, document), 'utf8')
const guide = blocksOf(textOf('docs/developer-guide.md'))

describe('the developer guide, followed literally', () => {
  let project: Project

  beforeAll(() => {
    project = createProject()
  })
  afterAll(() => project.remove())

  /** Packages come from this repository, not from a registry: installing is the one thing that is not done as shown. */
  const isInstall = (command: string) => command.startsWith('npm install')

  async function follow(block: Block): Promise<void> {
    const { language, info, text, line } = block
    if (language === 'ts') return project.write(info === '' ? `src/block-${line}.ts` : info, text)
    if (language === 'json') return project.write(info, text)
    const server = /^server=(.*)$/.exec(info)?.[1]
    if (server !== undefined) return ask(server, text)
    for (const step of stepsOf(text)) if (!isInstall(step.command)) check(step, project.run)
  }

  async function ask(program: string, transcript: string): Promise<void> {
    expect(project.compile()).toBe('')
    if (!hasCurl) return
    const server = await startServer([program], { cwd: project.folder, env: { PORT: '0' } })
    try {
      for (const step of stepsOf(transcript))
        check(step, command => project.run(command.replaceAll('http://127.0.0.1:8300', server.url)))
    } finally {
      expect(await server.stop()).toBe(0)
    }
  }

  it.each(guide.map(block => ({ block, at: `line ${block.line}: ${block.language} ${block.info}`.trim() })))(
    '$at',
    async ({ block }) => follow(block),
  )

  it('every block that was written compiles together at the end', () => {
    expect(project.compile()).toBe('')
  })

  it('names each file in the sentence before it', () => {
    const unnamed = guide.filter(
      ({ info, language, before }) =>
        language !== 'console' && info !== '' && !before.includes(`\`${info}\``),
    )
    expect(unnamed.map(({ line, info }) => `line ${line}: ${info}`)).toEqual([])
  })
})

const documents = [
  'README.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter(file => file.endsWith('.md'))
    .map(file => `docs/${file}`),
]

describe('the TypeScript of every other document', () => {
  let project: Project
  const blocks = documents
    .filter(document => document !== 'docs/developer-guide.md')
    .flatMap(document => blocksOf(textOf(document)).map(block => ({ document, ...block })))
    .filter(({ language }) => language === 'ts')

  beforeAll(() => {
    project = createProject()
    project.write('tsconfig.json', guide.find(({ info }) => info === 'tsconfig.json')?.text ?? '')
    for (const { document, line, text } of blocks)
      project.write(`src/${path.basename(document, '.md')}-${line}.ts`, text)
  })
  afterAll(() => project.remove())

  it('compiles under the strict options of the guide', () => {
    expect(blocks.length).toBeGreaterThan(0)
    expect(project.compile()).toBe('')
  })

  it('README: the shortest program runs as shown', () => {
    const readme = blocksOf(textOf('README.md'))
    const program = readme.find(({ language }) => language === 'ts')
    const printed = readme[program === undefined ? -1 : readme.indexOf(program) + 1]
    const { status, stdout, stderr } = project.run(`node out/README-${program?.line}.js`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(looksLike(printed?.text ?? 'nothing is shown', stdout), stdout).toBe(true)
  })
})

describe('the guarantees, seen for oneself', () => {
  let project: Project

  beforeAll(() => {
    project = createProject()
  })
  afterAll(() => project.remove())

  it('the shown program dies and comes back as shown', () => {
    for (const { language, info, text } of blocksOf(textOf('docs/guarantees.md'))) {
      if (language === 'ts') project.write(info, text)
      else for (const step of stepsOf(text)) check(step, project.run)
    }
  })
})

describe('the links of the documents', () => {
  const anchorsOf = (markdown: string) =>
    [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )

  it.each(documents)('%s points to what is there', document => {
    const text = textOf(document).replaceAll(/```[\s\S]*?```/g, '')
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter(target => !/^[a-z]+:/.test(target))
      .filter(target => {
        const [file = '', anchor] = target.split('#')
        const found = file === '' ? path.join(root, document) : path.join(root, path.dirname(document), file)
        if (!existsSync(found)) return true
        return anchor !== undefined && !anchorsOf(readFileSync(found, 'utf8')).includes(anchor)
      })
    expect(broken).toEqual([])
  })

  it('the files that the pages name are there', () => {
    const named = documents
      .filter(document => document.startsWith('docs/'))
      .flatMap(document => [
        ...textOf(document).matchAll(/`((?:src|test|scripts|bench|[a-z-]+)\/[\w./-]+\.(?:ts|mjs))`/g),
      ])
      .map(([, file = '']) => file)
    const places = (file: string) => [file, path.join('src', file), path.join('test', file)]
    const inTheGuide = new Set(guide.map(({ info }) => info))
    const missing = named.filter(
      file => !inTheGuide.has(file) && !places(file).some(place => existsSync(path.join(root, place))),
    )
    expect(named).toContain('engine/submit.ts')
    expect(missing).toEqual([])
  })
})
