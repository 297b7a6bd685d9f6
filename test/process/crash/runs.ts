import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkAlways, checkAtRest, Ends } from './checker.ts'
import { type Child, Children, type Ended } from './children.ts'
import { type Entry, entriesOf, readLedger, uncancelled, unheard } from './ledger.ts'
import { type Held, readStore } from './records.ts'

/** A folder with a store and a ledger, and the processes that run on it one after the other. */
export class Runs implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'quillwork-crash-'))
  readonly file = path.join(this.folder, 'tasks.db')
  readonly ledgerFile = path.join(this.folder, 'ledger.jsonl')
  readonly children = new Children(this.folder)
  readonly #ends = new Ends()
  #boots = 0

  /** Starts a program on the store; it is told what earlier processes left unheard. */
  start(program: string, options: object = {}): Child {
    const entries = this.ledger()
    this.#boots += 1
    return this.children.start(program, {
      file: this.file,
      ledgerFile: this.ledgerFile,
      boot: this.#boots,
      pending: unheard(entries),
      toCancel: uncancelled(entries),
      ...options,
    })
  }

  /** The same to its end. */
  async run(program: string, options: object = {}): Promise<Ended> {
    return this.start(program, options).ended
  }

  ledger(): Entry[] {
    return readLedger(this.ledgerFile)
  }

  /** How often a process died at a named point. */
  deaths(): number {
    return entriesOf(this.ledger(), 'killed').length
  }

  read(file = this.file): Promise<Held> {
    return readStore(file)
  }

  /** What is broken now that a process has ended. */
  async brokenNow(): Promise<string[]> {
    const held = await this.read()
    return [...checkAlways(held, this.ledger()), ...this.#ends.check(held.tasks)]
  }

  /** What is broken now that everything should have ended. */
  async brokenAtRest(file = this.file): Promise<string[]> {
    const held = await this.read(file)
    return [...checkAtRest(held, this.ledger()), ...this.#ends.check(held.tasks)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.children[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
