import { type Scene, useChapter, useOutline } from '../queries/scene-queries.ts'

/** Ids of the scenes right before and after one, also in the chapters beside it; undefined at the ends of the novel. */
export function useNeighbours({ novelId, chapterId, position }: Scene): {
  before: string | undefined
  after: string | undefined
} {
  const { data: outline } = useOutline(novelId)
  const { data: chapter } = useChapter(novelId, chapterId)
  const scenes = chapter?.scenes ?? []
  const isFirst = position === 0
  const isLast = chapter !== undefined && position >= scenes.length - 1
  const chapters = outline?.outline.flatMap(volume => volume.chapters) ?? []
  const at = chapters.findIndex(({ id }) => id === chapterId)
  const chapterBefore = useChapter(novelId, isFirst && at > 0 ? chapters[at - 1]?.id : undefined)
  const chapterAfter = useChapter(novelId, isLast && at >= 0 ? chapters[at + 1]?.id : undefined)
  return {
    before: isFirst ? chapterBefore.data?.scenes.at(-1)?.id : scenes[position - 1]?.id,
    after: isLast ? chapterAfter.data?.scenes[0]?.id : scenes[position + 1]?.id,
  }
}
