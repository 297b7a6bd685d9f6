/** Loaded before a measurement on Node 24: the driver of SQLite is the one that was built for it. */
import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const driver = pathToFileURL(createRequire(import.meta.url).resolve('better-sqlite3')).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'better-sqlite3' ? { url: driver, shortCircuit: true } : next(specifier, context),
})
