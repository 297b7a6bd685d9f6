import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a program left behind. */
export interface Run {
  status: number | null
  stdout: string
  stderr: string
}

/** A reader's project: strict TypeScript, and `quillwork` as an installed package, which is this one. */
export interface Project {
  readonly folder: string
  write(file: string, text: string): void
  /** Compiles everything, where something was written since; answers what the compiler complains about, '' for nothing. */
  compile(): string
  /** Runs a shell command in the project's folder. */
  run(command: string): Run
  remove(): void
}

const compilerOptions = {
  target: 'ES2022',
  module: 'NodeNext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  outDir: 'out',
  rootDir: '.',
  // A project is compiled again and again.
  incremental: true,
}

/** Makes an empty project in a temporary folder. It uses `dist/`, as whoever installs the package does. */
export function createProject(): Project {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-reader-'))
  const modules = path.join(folder, 'node_modules')
  mkdirSync(path.join(modules, '@types'), { recursive: true })
  symlinkSync(root, path.join(modules, 'quillwork'), 'dir')
  for (const name of ['zod', 'mongodb', 'typescript', '.bin', '@types/node'])
    symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name), 'dir')
  let complaints: string | undefined
  const write = (file: string, text: string) => {
    complaints = undefined
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), text)
  }
  write('package.json', JSON.stringify({ name: 'reader', private: true, type: 'module' }))
  write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['**/*.ts'] }))

  return {
    folder,
    write,
    compile() {
      if (complaints !== undefined) return complaints
      const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
      // The optimiser takes a quarter of the time of a compiler that runs for seconds.
      const args = ['--interrupt-budget=300000', tsc, '--pretty', 'false']
      const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
      complaints = stdout.trim()
      return complaints
    },
    run(command) {
      const { status, stdout, stderr } = spawnSync(command, {
        cwd: folder,
        encoding: 'utf8',
        shell: true,
        timeout: 150_000,
      })
      return { status, stdout, stderr }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
