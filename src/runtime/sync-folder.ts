import { open } from 'node:fs/promises'

/** Makes the entry of a new file durable. A system that cannot open folders does so by itself. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync()
}
