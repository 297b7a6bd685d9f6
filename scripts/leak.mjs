// How much of later scenes is in what a prompt shows of the novel for an earlier one: runs of 8 words (12 characters), and names. Used by the evaluation
// and by its test, each with its own build of the product.

const runLength = { spaced: 8, cjk: 12 }

/** The runs of units of a text. */
function runsOf(unitsOf, text, n) {
  const { codes } = unitsOf(text)
  return new Set(
    Array.from({ length: Math.max(0, codes.length - n + 1) }, (_, at) => codes.slice(at, at + n).join()),
  )
}

/**
 * Returns, over all scenes of a novel, the runs and the names of later scenes in the material for a prompt that neither the text before the scene nor its own
 * summary has. `product`: readMaterial, fitMaterial, unitsOf, findNames.
 */
export async function leakOf(product, { services, userId, novelId, tokens }) {
  const { readMaterial, fitMaterial, unitsOf, findNames } = product
  const { shelf } = services.library
  const { items: scenes } = await shelf.texts(userId, { novelId }, { pageSize: 1_000 })
  const { language = 'en' } = await shelf.about(userId, novelId)
  const n = /^(zh|ja|ko)/.test(language) ? runLength.cjk : runLength.spaced
  const found = { scenes: scenes.length, shown: 0, runs: [], names: [] }
  for (const [at, { id: sceneId, summary = '' }] of scenes.entries()) {
    const request = {
      ...{ novelId, before: sceneId, tokens, scenesBefore: 2 },
      ...{
        about: summary,
        said: [{ from: 'summary', text: summary }],
        language: /^zh/.test(language) ? 'zh' : 'en',
      },
    }
    const material = await readMaterial({ services, userId, signal: new AbortController().signal }, request)
    const fitted = fitMaterial(material, tokens, text => Math.ceil(text.length / 3))
    const shown = Object.values(fitted)
      .map(slot => slot.text)
      .join('\n')
    const textOf = some => some.map(({ content }) => content).join('\n')
    const known = `${textOf(scenes.slice(0, at))}\n${summary}`
    const later = textOf(scenes.slice(at + 1))
    const knownRuns = runsOf(unitsOf, known, n)
    const shownRuns = runsOf(unitsOf, shown, n)
    for (const run of runsOf(unitsOf, later, n))
      if (shownRuns.has(run) && !knownRuns.has(run)) found.runs.push({ sceneId, run })
    const { people, places } = findNames([later])
    for (const name of [...people, ...places])
      if (shown.includes(name) && !known.includes(name)) found.names.push({ sceneId, name })
    found.shown += shown.length
  }
  return found
}
