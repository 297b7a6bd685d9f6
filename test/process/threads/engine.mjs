// Makes an engine when it is loaded, as the module of no task may.
import { createEngine } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'

await createEngine({ tasks: [], store: sqlite({ file: ':memory:' }) })
