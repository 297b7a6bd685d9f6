/** A place in a book: a file of the archive, and the id of an element in it where it is not the whole file. */
export interface Target {
  readonly file: string
  readonly fragment: string
}

/**
 * Resolves a reference of one file of the archive to another. Undefined where it leads out of the archive: to another site, or above
 * its root.
 */
export function resolveTarget(from: string, reference: string): Target | undefined {
  const [link = '', fragment = ''] = reference.trim().split('#', 2)
  if (/^[A-Za-z][A-Za-z\d+.-]*:/.test(link) || link.startsWith('//')) return undefined
  const plain = decoded(link.split('?', 1)[0] ?? '')
  if (plain === '') return { file: from, fragment: decoded(fragment) }
  const steps = plain.startsWith('/') ? [] : from.split('/').slice(0, -1)
  for (const step of plain.split('/')) {
    if (step === '..' && steps.pop() === undefined) return undefined
    if (step !== '' && step !== '.' && step !== '..') steps.push(step)
  }
  return { file: steps.join('/'), fragment: decoded(fragment) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
