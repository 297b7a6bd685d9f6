import { useLocale } from 'use-intl'
import type { components, paths } from '../api/schema.ts'

/** A novel with its outline, as the API tells it. */
export type NovelOutline = components['schemas']['Outline']
/** A volume of an outline. */
export type Volume = NovelOutline['outline'][number]
/** A chapter of an outline. */
export type ChapterEntry = Volume['chapters'][number]
/** A scene of a chapter, without its text. */
export type SceneEntry = components['schemas']['Chapter']['scenes'][number]

/** What a search answers. */
export type SearchAnswer =
  paths['/v1/novels/{novelId}/search']['get']['responses'][200]['content']['application/json']

/** All chapters of a novel in their order. */
export function chaptersOf({ outline }: Pick<NovelOutline, 'outline'>): ChapterEntry[] {
  return outline.flatMap(({ chapters }) => chapters)
}

/** Names a language, such as `zh`, in the language of the pages. What no browser knows keeps its tag. */
export function useLanguageName(): (tag: string) => string {
  const locale = useLocale()
  return tag => {
    try {
      return new Intl.DisplayNames([locale], { type: 'language' }).of(tag) ?? tag
    } catch {
      return tag
    }
  }
}
