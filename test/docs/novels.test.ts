import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe } from 'vitest'
import { root } from './project.ts'
import { testCommandsOf } from './server.ts'

describe.each(['export', 'shaping'])('the page %s', name => {
  testCommandsOf(readFileSync(path.join(root, 'docs', `${name}.md`), 'utf8'))
})
