import { cpSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readHeading } from '../../src/novel/import/read-heading.ts'
import { requireBuilt } from '../process/crash/built.ts'
import { blocksOf, stepsOf } from './markdown.ts'
import { createProject, type Project, root } from './project.ts'
import { check } from './server.ts'

const page = readFileSync(path.join(root, 'docs', 'import.md'), 'utf8')

describe('the page on importing', () => {
  let project: Project

  beforeAll(() => {
    requireBuilt()
    project = createProject()
    cpSync(path.join(root, 'samples'), path.join(project.folder, 'samples'), { recursive: true })
  }, 120_000)
  afterAll(() => project.remove())

  it('shows what the commands print', () => {
    const quillwork = `node ${path.join(root, 'bin', 'quillwork.js')} --data data`
    for (const step of blocksOf(page).flatMap(block => stepsOf(block.text)))
      check(step, command => project.run(command.replace('{ quillwork ', `{ ${quillwork} `)))
  }, 60_000)

  it.each(
    [...page.matchAll(/^\| `([^`]+)` \| (sure|doubtful|weak|none)\b.*\|$/gm)].map(([, line, sureness]) => ({
      line: line ?? '',
      sureness,
    })),
  )('$line is read as $sureness', ({ line, sureness }) => {
    expect(readHeading(line)?.sureness ?? 'none').toBe(sureness)
  })

  it('lists every warning that the import can give', () => {
    const source = readFileSync(path.join(root, 'src', 'novel', 'import', 'warnings.ts'), 'utf8')
    const union = source.slice(source.indexOf('type WarningCode'), source.indexOf('/** A warning'))
    const codes = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code)
    const listed = [...page.matchAll(/^\| `([A-Z_]{4,})` \|/gm)].map(([, code]) => code)
    expect(listed).toEqual(codes)
  })
})
