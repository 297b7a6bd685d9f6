// What is submitted: the nth task of a plan, decided by a seed, so that a run can be made again.

/** A number in [0, 1) that a text decides (FNV-1a). */
function chanceOf(text) {
  let hash = 2_166_136_261
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619)
  return ((hash ^ (hash >>> 15)) >>> 0) / 4_294_967_296
}

const plans = {
  /** 70 % leaves, 20 % parents with 5 to 50 sub-tasks (or `most`), 10 % that fail twice. Of 2,400 with 6 at most, 5,000 tasks come. */
  mixed({ draw, between, key, most = 50 }) {
    const kind = draw('kind')
    if (kind < 0.7) return leaf(key, 'quick', between('ms', 5, 50))
    if (kind < 0.8) return leaf(key, 'flaky', between('ms', 5, 50))
    const children = Array.from({ length: between('children', 5, most) }, (_, index) =>
      draw(`child ${index}`) < 0.9 ? 'quick' : 'flaky',
    )
    const type = kind < 0.9 ? 'parent' : 'reducer'
    return { type, parameters: { key, children, ms: between('ms', 5, 50) } }
  },
  /** Leaves of one kind and one length. */
  leaves: ({ key, kind = 'quick', ms = 10 }) => leaf(key, kind, ms),
  /** Tasks of a type that only a newer process knows. */
  newcomers: ({ key }) => ({ type: 'newcomer', parameters: { key } }),
  /** Parents with a number of sub-tasks of one kind and one length; `inChain`: each starts after the one before. */
  parents({ key, children = 10, kind = 'quick', ms = 10, type = 'parent', inChain = false }) {
    return { type, parameters: { key, children: Array.from({ length: children }, () => kind), ms, inChain } }
  },
}

function leaf(key, kind, ms) {
  return { type: 'leaf', parameters: { key, kind, ms } }
}

/** The task of that index. `plan` names it and gives what it needs; `options` are those of the submission. */
export function planned({ name = 'mixed', options = {}, ...more } = {}, index, key, seed) {
  const draw = what => chanceOf(`${seed}/${index}/${what}`)
  const between = (what, least, most) => least + Math.floor(draw(what) * (most - least + 1))
  return {
    ...plans[name]({ draw, between, key, ...more }),
    index,
    key,
    options: { userId: `user-${index % 3}`, ...options },
  }
}
