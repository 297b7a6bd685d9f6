/** Endings of files that a novel can be in, as a file chooser takes them. */
export const acceptedEndings = '.txt,.md,.markdown,.epub,.docx'

/** What is wrong with a file, found before anything is sent. */
export type Refusal = { kind: 'ending' } | { kind: 'empty' } | { kind: 'tooLarge'; largest: number }

/** Why a file is not even sent; undefined where it is. `largest`: bytes that the server takes, where that is known. */
export function refusalOf({ name, size }: File, largest: number | undefined): Refusal | undefined {
  const ending = /\.[^.]+$/.exec(name.toLowerCase())?.[0] ?? ''
  if (!acceptedEndings.split(',').includes(ending)) return { kind: 'ending' }
  if (size === 0) return { kind: 'empty' }
  if (largest !== undefined && size > largest) return { kind: 'tooLarge', largest }
  return undefined
}
