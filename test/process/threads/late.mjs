// Cannot be loaded before its time, as one that asks a database when it is loaded.
import { late } from './handlers.mjs'

if (process.env.LATE_MODULE === undefined) throw new Error('It is too early.')

export { late }
