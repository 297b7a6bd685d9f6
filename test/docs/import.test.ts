import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readHeading } from '../../src/novel/import/read-heading.ts'
import { root } from './project.ts'
import { testCommandsOf } from './server.ts'

const page = readFileSync(path.join(root, 'docs', 'import.md'), 'utf8')

describe('the page on importing', () => {
  testCommandsOf(page)

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
