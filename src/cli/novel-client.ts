import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { z } from 'zod'
import type { uploadSchema } from '../http/schemas/upload.ts'
import { QuillworkError } from '../index.ts'
import { type Client, unreadable } from './client.ts'
import { bytesText } from './words.ts'

/** The preview of an upload, as the API returns it. */
export type PreviewJson = NonNullable<z.output<typeof uploadSchema>['preview']>

/** An import that has started. */
export interface BegunImport {
  taskId: string
  novelId: string
}

/** Uploads a file and returns the id of the upload. Throws FILE_UNREADABLE, UPLOAD_TOO_LARGE. */
export async function uploadFile(
  client: Client,
  file: string,
  onBytes?: (share: number) => void,
): Promise<string> {
  const bytes = await sizeOf(file)
  const { limits } = await client.get<{ limits: { uploadBytes: number } }>('/v1/capabilities')
  if (bytes > limits.uploadBytes) {
    throw new QuillworkError(
      'UPLOAD_TOO_LARGE',
      `${file} has ${bytesText(bytes)}; the server takes at most ${bytesText(limits.uploadBytes)} (setting uploadLimit).`,
    )
  }
  const { id } = await client.upload<{ id: string }>(
    '/v1/uploads',
    { path: file, bytes, onBytes: sent => onBytes?.(bytes === 0 ? 1 : sent / bytes) },
    { fileName: path.basename(file) },
  )
  return id
}

/** Returns the size of a file that can be imported. Throws FILE_UNREADABLE. */
export async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file)
    if (found.isFile()) return found.size
  } catch (error) {
    throw unreadable(file, error)
  }
  throw new QuillworkError('FILE_UNREADABLE', `${file} is not a file.`)
}

/** Deletes an upload that was not confirmed. If that fails, the upload expires by itself. */
export async function discardUpload(client: Client, uploadId: string): Promise<void> {
  await client.remove(`/v1/uploads/${uploadId}`).catch(() => undefined)
}
