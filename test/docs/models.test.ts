import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { resolveConfig } from '../../src/server/config.ts'
import { modelFields } from '../../src/server/configured-model.ts'
import { createModels } from '../../src/server/models.ts'
import { blocksOf, looksLike, stepsOf } from './markdown.ts'

const root = path.join(import.meta.dirname, '../..')
const text = readFileSync(path.join(root, 'docs/models.md'), 'utf8')
const blocks = blocksOf(text)

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'quillwork-models-doc-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

describe('docs/models.md', () => {
  test('shows a configuration that can be used as it stands, and means what it says', () => {
    const [example] = blocks.filter(({ language }) => language === 'json')
    const { models } = JSON.parse(example?.text ?? '')
    const env = { QUILLWORK_MODELS: JSON.stringify(models), OPENAI_API_KEY: 'sk-1' }
    const catalogue = createModels(resolveConfig({ env, cwd }).config)
    expect(catalogue.languageModel('prose').id).toBe('writer')
    expect(catalogue.summarizer().model.id).toBe('house')
    expect(catalogue.embeddingModel().dimensions).toBe(1_536)
  })

  test('shows models in short that can be used', () => {
    const shorts = blocks
      .flatMap(block => [...block.text.matchAll(/QUILLWORK_MODEL='([^']+)'/g)])
      .map(match => match[1] ?? '')
    expect(shorts.length).toBeGreaterThan(1)
    for (const short of shorts)
      expect(Object.keys(resolveConfig({ env: { QUILLWORK_MODEL: short }, cwd }).config.models)).toEqual([
        'default',
      ])
  })

  test('tells of every field, and of no other one', () => {
    const rows = [...text.matchAll(/^\| `(\w+)` \| .* \| .* \|$/gm)].map(match => match[1])
    expect(rows.toSorted()).toEqual([...modelFields].toSorted())
  })

  test('prints what the command prints', async () => {
    const [block] = blocks.filter(({ language }) => language === 'console')
    const [step] = stepsOf(block?.text ?? '')
    const stdout = new PassThrough()
    const streams = { stdin: new PassThrough(), stdout, stderr: new PassThrough() }
    const [, ...args] = step?.command.split(' ') ?? []
    expect(await main([...args, '--data', cwd], streams)).toBe(0)
    expect(looksLike(step?.prints ?? '', String(stdout.read()))).toBe(true)
  })

  test('names commands that there are', () => {
    const program = createProgram({} as Terminal, () => undefined)
    const named = [...text.matchAll(/quillwork (models|doctor|serve)((?: [a-z]+)*)/g)].map(match => [
      match[1],
      match[2],
    ])
    expect(named.length).toBeGreaterThan(5)
    for (const [name = '', rest = ''] of named) {
      let command = program.commands.find(each => each.name() === name)
      for (const word of rest.trim().split(' ').filter(Boolean))
        command = command?.commands.find(each => each.name() === word) ?? command
      expect(command?.commands ?? [], `quillwork ${name}${rest}`).toEqual([])
    }
  })
})
