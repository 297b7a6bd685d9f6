import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A folder for the files of one test; removed by `remove`. */
export interface TestFolder {
  file(name: string): string
  remove(): void
}

/** Makes a folder. */
export function testFolder(): TestFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-store-'))
  return {
    file: name => path.join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
