import { textProvenance } from '../novel/library/history.ts'
import type { Scene } from '../novel/library/scenes.ts'
import type { ChapterOverview, NovelOverview, VolumeOverview } from '../novel/library/shelf.ts'
import type { Upload } from '../novel/library/uploads.ts'
import type { Preview } from '../novel/preview.ts'
import { presentProvenance, presentWriting } from './present-provenance.ts'
import { timeText } from './schemas/task.ts'

/** An upload as the API tells it: without its place on the disk. */
export function presentUpload(upload: Upload, preview?: Preview) {
  const { id, fileName, bytes, status, createdAt, expiresAt, confirmation } = upload
  return {
    id,
    fileName,
    bytes,
    status,
    createdAt: timeText(createdAt),
    expiresAt: timeText(expiresAt),
    confirmation,
    preview: preview === undefined ? undefined : presentPreview(preview),
  }
}

function presentPreview({ title, author, encoding, volumes, warnings }: Preview) {
  return {
    title,
    author,
    encoding: { ...encoding },
    volumes: volumes.map(volume => ({ ...volume, chapters: [...volume.chapters] })),
    warnings: warnings.map(({ pages, ...warning }) => ({
      ...warning,
      ...(pages === undefined ? {} : { pages: [...pages] }),
    })),
  }
}

/** A novel as the shelf shows it. */
export function presentNovel({ userId: _userId, textVersion: _textVersion, ...novel }: NovelOverview) {
  return { ...novel, createdAt: timeText(novel.createdAt), updatedAt: timeText(novel.updatedAt) }
}

/** The volumes with their chapters. */
export function presentOutline(volumes: readonly VolumeOverview[], chapters: readonly ChapterOverview[]) {
  const byVolume = new Map<string, ReturnType<typeof presentChapter>[]>()
  for (const chapter of chapters) {
    const those = byVolume.get(chapter.volumeId)
    if (those === undefined) byVolume.set(chapter.volumeId, [presentChapter(chapter)])
    else those.push(presentChapter(chapter))
  }
  return volumes.map(({ id, position, title, words }) => ({
    id,
    position,
    title,
    words,
    chapters: byVolume.get(id) ?? [],
  }))
}

/** A chapter without its scenes. */
export function presentChapter({ sceneIds: _sceneIds, novelId: _novelId, ...chapter }: ChapterOverview) {
  return chapter
}

/** A scene with its summary, without its text. */
export function presentScene(scene: Scene) {
  const { id, novelId, chapterId, position, title, words, characters, version, textVersion, updatedAt } =
    scene
  return {
    id,
    novelId,
    chapterId,
    position,
    title,
    words,
    characters,
    textOrigin: presentOrigin(scene),
    summary: presentSummary(scene),
    version,
    textVersion,
    updatedAt: timeText(updatedAt),
  }
}

/** A scene that never had a text has no origin of it. */
function presentOrigin(scene: Scene) {
  const { textOrigin, content } = scene
  if (textOrigin === undefined && content === '') return undefined
  return { ...presentProvenance(textProvenance(scene)), ...presentWriting(textOrigin ?? {}) }
}

function presentSummary({ summary, textVersion }: Scene) {
  if (summary === undefined) return undefined
  const { text, language, sentences, ofTextVersion, method } = summary
  return {
    text,
    ...presentProvenance(summary),
    method,
    language,
    sentences: sentences?.map(span => ({ ...span })),
    outOfDate: ofTextVersion < textVersion,
    ...presentWriting(summary),
  }
}
