import type { Children } from '../process/crash/children.ts'
import { type Call, Ledger } from './ledger.ts'
import type { Rule } from './script.ts'
import type { ModelServerOptions } from './server.ts'

/** A scripted model server in a process of its own. */
export interface RemoteModelServer {
  readonly url: string
  readonly pid: number
  /** Adds rules behind those that are there. */
  addRules(...rules: readonly Rule[]): Promise<void>
  /** Every request until now. */
  ledger(): Promise<Ledger>
}

/** Starts the server as a child of the test; it ends with the children. */
export async function startModelProcess(
  children: Children,
  options: ModelServerOptions & { readonly port?: number } = {},
): Promise<RemoteModelServer> {
  const child = children.start('../../models/process.mjs', options)
  const { url } = await child.says('started')
  const base = String(url)
  return {
    url: base,
    pid: child.pid,
    async addRules(...rules) {
      await fetch(`${base}/control/rules`, { method: 'POST', body: JSON.stringify(rules) })
    },
    async ledger() {
      const response = await fetch(`${base}/control/ledger`)
      return new Ledger((await response.json()) as Call[])
    },
  }
}
