import { useTranslations } from 'use-intl'
import { type NovelOutline, useLanguageName } from './novel.ts'

/** Who wrote it, in which language, and how long it is. */
export function NovelFacts({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('units')
  const languageName = useLanguageName()
  const { author, language, words, chapters, scenes, volumes } = novel
  const facts = [
    author,
    language === undefined ? undefined : languageName(language),
    volumes > 1 ? t('volumes', { count: volumes }) : undefined,
    t('chapters', { count: chapters }),
    t('scenes', { count: scenes }),
    t('words', { count: words }),
  ]
  return <span className="numbers">{facts.filter(fact => fact !== undefined).join(' · ')}</span>
}
