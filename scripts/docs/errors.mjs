// The list of coded errors, from the catalogue in src/task/error-catalogue.ts.

import { errorCatalogue } from '../../dist/task/errors.js'

export const into = 'docs/errors.md'

const rows = Object.entries(errorCatalogue).map(
  ([code, { status, retryable, meaning }]) =>
    `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${meaning} |`,
)

/** The document. */
export function render() {
  return `# Errors

What does an error code mean, and what do I do? Made from the catalogue in \`src/task/error-catalogue.ts\` by \`npm run docs\`; change it there. Every error that Quillwork throws
has one of these codes (\`error.code\`); the API sends it in \`code\` of a \`application/problem+json\` body with the HTTP
status given here. *Again* says whether the same call may succeed later; of an error that leaves a handler it decides
whether the attempt is retried.

| code | HTTP | again | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
