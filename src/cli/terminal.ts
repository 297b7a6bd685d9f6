import { fstatSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { escapeControls } from '../task/controls.ts'
import { defined } from '../task/defined.ts'
import { cut } from './text.ts'

/**
 * Where a command prints, and whom it asks. Whatever is printed may come from a server, a file or a manuscript: the terminal escapes all
 * controls, so that no text moves the cursor, hides a line or makes one. Lines may be JSON, which stays the same JSON.
 */
export interface Terminal {
  /** Whether standard output is a terminal, so that lines can be drawn over. */
  readonly isInteractive: boolean
  /** Whether what is printed goes into a file that other users can read. */
  readonly isReadByOthers: boolean
  /** Whether a person can answer a question. */
  readonly canAsk: boolean
  readonly columns: number
  /** Prints a line on standard output: the result of the command. */
  out(line: string): void
  /**
   * Prints text on standard output without a line end, with its own line ends and tabs. Where that is no terminal, the text arrives as it is,
   * but for controls other than line ends, form feeds and tabs.
   */
  write(text: string): void
  /** Writes a file to standard output as it is. Standard output must be no terminal: the file could command it. */
  bytes(content: AsyncIterable<Uint8Array>): Promise<void>
  /** Prints a line on standard error: all else. */
  note(line: string): void
  /** Prints text on standard error that has its own line ends. */
  log(text: string): void
  /** Shows lines below all others, in place of the previous ones. Only on a terminal. */
  live(lines: readonly string[]): void
  /** Leaves the last live lines as they are. */
  keep(): void
  /** Asks a question and returns whether the answer is yes. */
  confirm(question: string, signal?: AbortSignal): Promise<boolean>
  /** What is piped in, or typed up to its end. */
  readonly input: AsyncIterable<Uint8Array>
  /** Returns a secret: a line that is not shown while it is typed, or all that is piped in. */
  readSecret(question: string): Promise<string>
}

/** The streams of a process. */
export interface Streams {
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable & { isTTY?: boolean; columns?: number; fd?: number }
  stderr: Writable & { isTTY?: boolean }
}

const usualColumns = 80

function asLine(line: string): string {
  return `${escapeControls(line)}\n`
}

/** Returns a text with its own line ends and tabs, to be shown on a terminal. */
function asText(text: string): string {
  return text.replaceAll('\r', '').replace(/[^\n\t]+/g, escapeControls)
}

/** Returns a text for a file or another program: as its author wrote it, but for what would command a terminal that shows it later. */
function asContent(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\f\r]+/gu, escapeControls)
}

function isReadByOthers({ fd }: Streams['stdout']): boolean {
  if (fd === undefined) return false
  const stat = fstatSync(fd)
  return stat.isFile() && (stat.mode & 0o044) !== 0
}

/** Returns the terminal of a process. */
export function createTerminal({ stdin, stdout, stderr }: Streams): Terminal {
  const isInteractive = stdout.isTTY === true
  let shown: readonly string[] = []

  /** Erases the live lines: cursor up over them, then erase to the end of the screen (ECMA-48, CUU and ED). */
  function erase(): void {
    if (shown.length > 0) stdout.write(`\r\u001b[${shown.length}A\u001b[0J`)
  }
  function draw(): void {
    if (shown.length > 0) stdout.write(shown.map(asLine).join(''))
  }
  function around(print: () => void): void {
    erase()
    print()
    draw()
  }

  const terminal: Terminal = {
    isInteractive,
    isReadByOthers: isReadByOthers(stdout),
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    get columns() {
      // Some terminals, such as those of CI, say 0.
      return stdout.columns || usualColumns
    },
    out: line => around(() => stdout.write(asLine(line))),
    write: text => around(() => stdout.write(isInteractive ? asText(text) : asContent(text))),
    async bytes(content) {
      await pipeline(content, stdout, { end: false }).catch((error: NodeJS.ErrnoException) => {
        // A reader that has read enough is no error.
        if (error.code !== 'EPIPE') throw error
      })
    },
    note: line => around(() => stderr.write(asLine(line))),
    log: text => around(() => stderr.write(asText(text))),
    live(lines) {
      if (!isInteractive) return
      erase()
      // A line that wraps would need the cursor to go up twice.
      shown = lines.map(line => cut(escapeControls(line), terminal.columns - 1))
      draw()
    },
    keep() {
      shown = []
    },
    input: stdin,
    async confirm(question, signal) {
      const asking = createInterface({ input: stdin, output: stderr })
      // While it reads, the terminal hands Ctrl-C to it and not to the process.
      asking.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
      const closed = new Promise<string>(resolve => asking.once('close', () => resolve('')))
      try {
        const asked = asking.question(`${escapeControls(question)} [y/N] `, defined({ signal }))
        return /^y(es)?$/i.test((await Promise.race([asked, closed])).trim())
      } finally {
        asking.close()
      }
    },
    readSecret: question => (stdin.isTTY === true ? readUnseen(question) : readPiped(stdin)),
  }

  async function readUnseen(question: string): Promise<string> {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    // The library echoes what is typed to its output.
    const asking = createInterface({ input: stdin, output: nowhere, terminal: true })
    asking.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    try {
      stderr.write(escapeControls(question))
      const line = await asking.question('')
      stderr.write('\n')
      return line
    } finally {
      asking.close()
    }
  }
  return terminal
}

/** Longest secret, UTF-16 code units. */
const longestSecret = 65_536

async function readPiped(stdin: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.length > longestSecret) break
  }
  return text
}

/** Returns a progress bar of that many columns between its brackets. */
export function progressBar(done: number, total: number, columns = 24): string {
  const full = total === 0 ? 0 : Math.floor((Math.min(done, total) / total) * columns)
  return `[${'#'.repeat(full)}${'-'.repeat(columns - full)}]`
}
