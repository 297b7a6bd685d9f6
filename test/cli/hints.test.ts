import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { commandText } from '../../src/cli/hints.ts'
import { resolveConfig } from '../../src/server/config.ts'

test('a hint names the file that the settings came from, where it was given, and no file that is found anyway', () => {
  const data = mkdtempSync(path.join(tmpdir(), 'quillwork-hints-'))
  try {
    const file = path.join(data, 'quillwork.json')
    writeFileSync(file, '{"port": 8080}')
    const sources = { flags: { data }, env: {} }
    expect(commandText('serve', resolveConfig({ ...sources, file }))).toContain(
      `serve --config ${file} --data`,
    )
    expect(commandText('serve', resolveConfig(sources))).toContain(`serve --data ${data}`)
    const open = { flags: { data, allowOpenData: 'true' }, env: {} }
    expect(commandText('serve', resolveConfig(open))).toContain(`serve --data ${data} --allow-open-data`)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})
