import { readChapters } from './import/read-chapters.ts'
import type { TextSurvey } from './import/survey.ts'
import type { Upload } from './library/uploads.ts'
import type { NovelServices } from './services.ts'
import { openUpload } from './upload-files.ts'

/** The characters of the scenes of a text, as an import makes them: by chapter, as the preview numbers them. */
export type SceneSizes = readonly (readonly number[])[]

/** Uploads whose scenes are remembered: whoever chooses chapters asks again with each choice. */
const mostRemembered = 8

const remembered = new WeakMap<NovelServices, Map<string, Promise<SceneSizes>>>()

/**
 * Reads an upload and tells how large its scenes are. Asked again soon, nothing is read. Throws TEXT_UNREADABLE, and what reading the
 * text throws.
 */
export function sceneSizes(services: NovelServices, upload: Upload, survey: TextSurvey): Promise<SceneSizes> {
  const known = remembered.get(services) ?? new Map<string, Promise<SceneSizes>>()
  remembered.set(services, known)
  const key = `${upload.id} ${survey.encoding.name}`
  const sizes = known.get(key) ?? readSizes(services, upload, survey)
  known.delete(key)
  known.set(key, sizes)
  sizes.catch(() => known.delete(key))
  const [oldest] = known.keys()
  if (known.size > mostRemembered && oldest !== undefined) known.delete(oldest)
  return sizes
}

async function readSizes(services: NovelServices, upload: Upload, survey: TextSurvey): Promise<SceneSizes> {
  const sizes: number[][] = survey.volumes.flatMap(({ chapters }) => chapters.map(() => []))
  for await (const piece of readChapters(await openUpload(services, upload), survey))
    if (piece.kind === 'scene') sizes[piece.chapter]?.push(piece.characters)
  return sizes
}
