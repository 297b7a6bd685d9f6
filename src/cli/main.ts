/** The command line: `main(args)` runs one command and returns its exit code. */
import { version } from '../runtime/version.ts'
import { createTerminal, type Streams } from './terminal.ts'

/**
 * Runs `quillwork ARGS` and returns the exit code. Never rejects. Whatever it creates is for this user alone.
 *
 * @param args The arguments after the name of the program.
 * @param streams Default: those of the process.
 */
export async function main(args: readonly string[], streams: Streams = process): Promise<number> {
  endQuietly(streams)
  const terminal = createTerminal(streams)
  if (args.length === 1 && versionWords.has(args[0] ?? '')) {
    terminal.out(version)
    return 0
  }
  const umask = process.umask(0o077)
  try {
    // The commands load only where there is one to run.
    const { runProgram } = await import('./program.ts')
    return await runProgram(args, terminal)
  } finally {
    process.umask(umask)
  }
}

/** What asks for the version alone. */
const versionWords: ReadonlySet<string> = new Set(['--version', 'version'])

/** Ignores EPIPE: a reader that has read enough (`quillwork tasks list | head`) is no error. */
function endQuietly({ stdout, stderr }: Streams): void {
  for (const stream of [stdout, stderr]) {
    if (stream.listenerCount('error') === 0)
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error
      })
  }
}
