import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe } from 'vitest'
import { root } from './project.ts'
import { testCommandsOf } from './server.ts'

describe('the page on exporting', () => {
  testCommandsOf(readFileSync(path.join(root, 'docs', 'export.md'), 'utf8'))
})
