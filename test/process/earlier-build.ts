/** An earlier build of the product, made from the history of the repository, for tests that run it beside this one. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Whether the history here goes back to a commit. A copy without history has no earlier builds. */
export function hasCommit(commit: string): boolean {
  return spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root }).status === 0
}

/** An earlier build. Disposing removes it. */
export interface EarlierBuild extends Disposable {
  readonly folder: string
}

/** Compiles what a commit has in `src`, with the packages of today. */
export function buildOf(commit: string): EarlierBuild {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-earlier-'))
  const sources = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json']
  const archive = execFileSync('git', ['archive', commit, ...sources], { cwd: root, maxBuffer: 1e9 })
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: folder, stdio: 'inherit' })
  return {
    folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
