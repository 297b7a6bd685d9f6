// What the HTTP API promises to its clients, from its OpenAPI document. A change that breaks them is not written: it fails.

import { readFileSync } from 'node:fs'
import { breaksBetween, factsOf } from '../contract.mjs'
import { openApiOf } from '../open-api.mjs'

export const into = 'docs/contract.txt'

const accept = '--accept-breaks'

const head = `# What the HTTP API promises to its clients, one fact a line; "!" marks what it requires of them. Made by \`npm run docs\`, compared
# by \`npm run check\`: a fact that is gone, or a new requirement, breaks clients. See "What may change?" in api.md.`

/** The document. Throws where it would break clients, unless that was accepted. */
export async function render() {
  const facts = factsOf(await openApiOf())
  const breaks = breaksBetween(factsBefore(), facts)
  if (breaks.length > 0 && !process.argv.includes(accept)) {
    const more = breaks.length > 20 ? [`and ${breaks.length - 20} more`] : []
    throw new Error(
      `the change breaks clients of the HTTP API:\n  ${[...breaks.slice(0, 20), ...more].join('\n  ')}\n` +
        `Keep what was there, beside what is new. If it has to go (see "What may change?" in docs/api.md), run npm run docs -- ${accept}, ` +
        'and say so under "Changed" in CHANGELOG.md.',
    )
  }
  return `${head}\n${facts.join('\n')}`
}

/** Those of the document as it stands; none without it. */
function factsBefore() {
  try {
    const text = readFileSync(new URL(`../../${into}`, import.meta.url), 'utf8')
    return text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}
