/** `local` is shared by all tabs and survives them; `session` belongs to one tab. */
export type Storage = 'local' | 'session'

const storageOf = (kind: Storage) => (kind === 'local' ? localStorage : sessionStorage)

/** Returns what the browser stores under a name; undefined where there is nothing, or nothing that can be read. */
export function readStored(name: string, kind: Storage = 'local'): unknown {
  try {
    return JSON.parse(storageOf(kind).getItem(name) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

let isClosed = false

/** Stores nothing more until the page is loaded anew. */
export function closeStorage(): void {
  isClosed = true
}

/**
 * Stores a value under a name; undefined removes it. Where the storage is full or disabled, the value lasts as long as the page. Returns whether
 * it is stored.
 */
export function writeStored(name: string, value: unknown, kind: Storage = 'local'): boolean {
  if (isClosed) return false
  try {
    if (value === undefined) storageOf(kind).removeItem(name)
    else storageOf(kind).setItem(name, JSON.stringify(value))
    return true
  } catch {
    // The page goes on without.
    return false
  }
}

/** The names of unsaved changes begin so; the id of the scene follows, and a key of the editor that they were typed in. */
export const drafts = 'quillwork.draft.'

/** Returns the names that begin like this of what the browser stores. */
export function storedNames(prefix: string, kind: Storage = 'local'): string[] {
  try {
    return Object.keys(storageOf(kind)).filter(name => name.startsWith(prefix))
  } catch {
    return []
  }
}

/** The names of edits that were saved and could not be sent yet begin so; they go on like those of unsaved changes. */
export const unsent = 'quillwork.unsent.'

/** Returns the names of all that was typed into scenes and is not in the novel. */
export function typedNames(): string[] {
  return [...storedNames(drafts), ...storedNames(unsent)]
}

/** Returns the id of the scene whose unsaved changes, or whose unsent edit, are stored under a name. */
export function sceneOfDraft(name: string): string {
  return name.split('.')[2] ?? ''
}

/** Where a person was in a novel is stored so. */
export function readingPlace(novelId: string): string {
  return `quillwork.reading.${novelId}`
}

/** Removes what this browser knows of a novel: unsaved and unsent changes of its scenes, and the place of reading. */
export function forgetNovel(novelId: string): void {
  writeStored(readingPlace(novelId), undefined)
  for (const name of typedNames()) {
    const draft = readStored(name) as { novelId?: unknown } | undefined
    if (draft?.novelId !== novelId) continue
    writeStored(name, undefined)
    // The browser tells only the other tabs.
    window.dispatchEvent(new StorageEvent('storage', { key: name }))
  }
}
