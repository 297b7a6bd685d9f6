/**
 * What a task is about, as a tag: `novel:ID`, and `scene:ID` where it concerns one scene. So whoever looks at a scene finds what works on
 * it, whoever submitted that.
 */

/** Tags that a task may have. */
const mostTags = 20

/** The tag of a subject. Ids that are too long for a tag, which no id of ours is, get none. */
export function tag(kind: 'novel' | 'scene' | 'upload', id: unknown): string | undefined {
  return typeof id === 'string' && /^[\w-]{1,90}$/.test(id) ? `${kind}:${id}` : undefined
}

/**
 * Those tags of a subject that a task with given ones can still take: none twice, and no more than a task may have, so that the subject
 * never crowds out what was asked for.
 */
export function addable(given: readonly string[], subject: readonly (string | undefined)[]): string[] {
  const room = Math.max(0, mostTags - given.length)
  return subject
    .flatMap(each => each ?? [])
    .filter(each => !given.includes(each))
    .slice(0, room)
}
