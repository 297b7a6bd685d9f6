// Which entries of a codex go into the prompts of scenes, against a list that a person made. Used by the evaluation and by its test, each with its own build of the
// product.

/** Code units right before the scene in which mentions are searched, and tokens of the codex, as a prompt of the usual size has them. */
const before = 4_000
const budget = 2_000

/** The scenes of a sample in reading order, without its headings. */
function scenesOf(text) {
  return text
    .split(/^(?:Part |Chapter |第\S+[卷章] ).*$|^\* \* \*$/mu)
    .map(part => part.trim())
    .filter(part => part.length > 40)
}

/**
 * Returns the counts of a book: what the list has, what is in the prompts, and what is in both; what is always told and is not there, what is never told and is; and
 * each difference. `product`: detectEntries, fitEntries, newCodexEntry.
 */
export function selectionOf({ detectEntries, fitEntries, newCodexEntry }, { book, text }) {
  const entries = book.entries.map(({ id, ...fields }) => ({ id, ...newCodexEntry.parse(fields) }))
  const written = scenesOf(text)
  const counts = { scenes: book.scenes.length, listed: 0, given: 0, right: 0, broken: 0, differences: [] }
  const idsOf = when => entries.filter(entry => entry.when === when).map(({ id }) => id)
  for (const [at, { summary, entries: listed }] of book.scenes.entries()) {
    const texts = [{ from: 'summary', text: summary }]
    if (at < written.length)
      texts.push({ from: 'textBefore', text: written.slice(0, at).join('\n\n').slice(-before) })
    const detected = detectEntries({
      ...{ entries, places: new Map(), place: [at, 0], texts, language: book.language },
    })
    const { told } = fitEntries(detected, budget, each => Math.ceil(each.length / 3))
    const given = told.map(({ id }) => id)
    counts.listed += listed.length
    counts.given += given.length
    counts.right += given.filter(id => listed.includes(id)).length
    counts.broken += idsOf('always').filter(id => !given.includes(id)).length
    counts.broken += idsOf('never').filter(id => given.includes(id)).length
    const missing = listed.filter(id => !given.includes(id))
    const beside = given.filter(id => !listed.includes(id))
    if (missing.length + beside.length > 0) counts.differences.push({ scene: at + 1, missing, beside })
  }
  return counts
}
