// `npm start`: sets up what is missing, then runs `quillwork serve --sample` in this very process,
// so that Ctrl-C reaches the server and its exit code is npm's.

import { setUp } from './setup.mjs'

setUp()
const { main } = await import('../dist/program/main.js')
process.exitCode = await main(['serve', '--sample', ...process.argv.slice(2)])
