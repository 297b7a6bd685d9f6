import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A folder for the files of one test; removed by `remove`. */
export interface TestFolder {
  file(name: string): string
  remove(): void
}

/** Makes a folder, by default where the system keeps temporary files. */
export function testFolder(within = tmpdir()): TestFolder {
  const folder = mkdtempSync(path.join(within, 'quillwork-store-'))
  return {
    file: name => path.join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
