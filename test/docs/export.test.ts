import { cpSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { requireBuilt } from '../process/crash/built.ts'
import { blocksOf, stepsOf } from './markdown.ts'
import { createProject, type Project, root } from './project.ts'
import { check } from './server.ts'

const page = readFileSync(path.join(root, 'docs', 'export.md'), 'utf8')

describe('the page on exporting', () => {
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
})
