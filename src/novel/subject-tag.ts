/** One tag of a subject. The pages use this too. */

/** Whether a tag names the subject of a task. */
export function isSubjectTag(tag: unknown): boolean {
  return typeof tag === 'string' && /^(novel|scene|upload):/.test(tag)
}

/** Returns the tag of a subject; undefined for an id that cannot be part of a tag. */
export function tag(kind: 'novel' | 'scene' | 'upload', id: unknown): string | undefined {
  return typeof id === 'string' && /^[\w-]{1,90}$/.test(id) ? `${kind}:${id}` : undefined
}
