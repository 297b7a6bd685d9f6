import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProject, type Project, root } from '../docs/project.ts'
import { requireBuilt } from '../process/crash/built.ts'

const examples = readdirSync(path.join(root, 'examples')).filter(file => file.endsWith('.ts'))
/** What each example prints; an id is written as ID. */
const printed: Record<string, string> = {
  'word-count.ts': '{ words: 7 }\n',
  'book.ts': `{ words: 10, missing: [ 'chapter 2' ] }
COMPLETED_WITH_ERRORS { COMPLETED: 2, FAILED: 1 }
chapter 1 COMPLETED
chapter 2 FAILED the chapter is empty
chapter 3 COMPLETED
`,
  'retries-and-checkpoints.ts': `attempt 1 ended: the provider asks for a second (retries: 0)
attempt 2 ended: the connection was reset (retries: 1)
{ text: 'The ferry: the arrival. The ferry: the flood.' }
attempts: 3, retries: 1, calls of the outline: 1
[ { model: 'example/model', calls: 1, inputTokens: 40, cachedInputTokens: 0, outputTokens: 90 } ]
Task ID ended FAILED: there is no topic
Draft permanent TOPIC_MISSING
`,
  'limits.ts': `10 calls, at most 2 at a time
[ { key: 'example/model', requests: 10, tokens: 600 } ]
`,
  'budgets.ts': `spent 450 of 500, 3 scenes wait
{ written: 8 }
spent 720
`,
  'mail.ts': "a mail to ann@example.org\n{ messageId: 'm-1' } true\n",
  'schedules.ts': 'BackUp ended COMPLETED\nBackUp ended COMPLETED\n',
}

const withoutIds = (text: string) => text.replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'ID')
/** `console.log` breaks long values and pads short ones by width; what it says is the same. */
const withoutLayout = (text: string) => text.replaceAll(/\s+/g, ' ')

describe('the examples, copied into a project of one’s own', () => {
  let project: Project
  let complaints: string

  beforeAll(() => {
    requireBuilt()
    project = createProject()
    for (const file of examples) project.write(file, readFileSync(path.join(root, 'examples', file), 'utf8'))
    complaints = project.compile()
  }, 120_000)
  afterAll(() => project.remove())

  it('compile under the strict options of a reader', () => {
    expect(complaints).toBe('')
  })

  it.each(Object.entries(printed))('%s prints what it promises, and ends', (file, expected) => {
    const { status, stdout, stderr } = project.run(`node out/${file.replace('.ts', '.js')}`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(withoutLayout(withoutIds(stdout))).toBe(withoutLayout(expected))
  })

  it('book.ts run again finds the task of the first run', () => {
    const first = project.run('node out/book.js')
    const again = project.run('node out/book.js')
    expect(again).toEqual(first)
    expect(again.stdout).toContain('COMPLETED_WITH_ERRORS')
  })

  it('testing.ts passes under the test runner of Node', () => {
    const { status, stdout } = project.run('node --test --test-reporter=tap out/testing.js')
    expect(stdout).toContain('# pass 4')
    expect(stdout).toContain('# fail 0')
    expect(status).toBe(0)
  })

  it('every example is one of those that are run', () => {
    expect([...Object.keys(printed), 'testing.ts'].sort()).toEqual(examples.sort())
  })

  it('the shortest one fits on a screen', () => {
    const lines = readFileSync(path.join(root, 'examples', 'word-count.ts'), 'utf8')
      .trim()
      .split('\n')
    expect(lines.length).toBeLessThanOrEqual(20)
  })
})
