import { readFileSync } from 'node:fs'

/** Version of the package. The file is at the same place for the sources and for the build. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
