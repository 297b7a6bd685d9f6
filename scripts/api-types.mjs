// Writes the types of the API as clients see it, from the document that a server with novels serves at `/v1/openapi.json`.
// `scripts/setup.mjs` runs this when the server changed: `node scripts/api-types.mjs DIST HASH FILE...`. Each FILE begins with HASH, which names
// the sources that it was made of.

import { renameSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'
import { openApiOf } from './open-api.mjs'

const [dist, hash, ...files] = process.argv.slice(2)
const types = astToString(await openapiTS(await openApiOf(dist), { alphabetize: true, arrayLength: false }))
for (const file of files) {
  // Moved into place whole: another build may read it at the same time.
  const aside = `${file}.${process.pid}`
  writeFileSync(
    aside,
    `// ${hash}\n// Made from the API by the build. Not to be edited, and not committed.\n\n${types}`,
  )
  renameSync(aside, file)
}
