import { Select, Stack, TextInput } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useLanguageName } from '../text/format.ts'

/** What a novel is called; empty for none. */
export interface NovelNames {
  title: string
  author: string
  language: string
}

/** Languages that can be chosen; a novel in another one keeps its own. */
const languages = ['en', 'zh', 'ar', 'cs', 'da', 'de', 'el', 'es', 'fi', 'fr', 'he', 'hi', 'hu', 'id'].concat(
  ['it', 'ja', 'ko', 'nb', 'nl', 'pl', 'pt', 'ro', 'ru', 'sv', 'th', 'tr', 'uk', 'vi'],
)

interface NameFieldsProps {
  names: NovelNames
  onChange: (part: Partial<NovelNames>) => void
}

/** The fields of what a novel is called. */
export function NameFields({ names, onChange }: NameFieldsProps) {
  const t = useTranslations('parts.novelNames')
  const languageName = useLanguageName()
  const { title, author, language } = names
  const known = language === '' || languages.includes(language) ? languages : [language, ...languages]
  return (
    <Stack gap="sm">
      <TextInput
        label={t('title')}
        value={title}
        maxLength={300}
        required
        onChange={({ currentTarget }) => onChange({ title: currentTarget.value })}
        data-autofocus
      />
      <TextInput
        label={t('author')}
        value={author}
        maxLength={300}
        onChange={({ currentTarget }) => onChange({ author: currentTarget.value })}
      />
      <Select
        label={t('language')}
        description={t('languageText')}
        data={known.map(value => ({ value, label: languageName(value) ?? value }))}
        value={language === '' ? null : language}
        onChange={value => onChange({ language: value ?? '' })}
        searchable
        clearable
      />
    </Stack>
  )
}
