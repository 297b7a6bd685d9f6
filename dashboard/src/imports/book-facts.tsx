import { Stack, Text, TextInput } from '@mantine/core'
import { useTranslations } from 'use-intl'
import classes from './imports.module.css'
import type { Preview } from './upload-query.ts'

interface BookFactsProps {
  preview: Preview
  /** As it stands in the field. */
  title: string
  onTitle: (title: string) => void
}

/** What the book is: its title, which can be corrected, its author, and how long it is. */
export function BookFacts({ preview, title, onTitle }: BookFactsProps) {
  const t = useTranslations()
  const chapters = preview.volumes.flatMap(volume => volume.chapters)
  const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
  return (
    <Stack gap="xs">
      <TextInput
        label={t('imports.bookTitle')}
        className={classes['title'] ?? ''}
        size="md"
        value={title}
        onChange={({ currentTarget }) => onTitle(currentTarget.value)}
        error={title.trim() === '' ? t('imports.titleMissing') : undefined}
        maxLength={300}
        autoComplete="off"
      />
      {preview.author !== undefined && <Text>{t('imports.by', { author: preview.author })}</Text>}
      <Text size="sm" c="dimmed" className="numbers">
        {preview.volumes.length > 1 && `${t('units.volumes', { count: preview.volumes.length })} · `}
        {t('units.chapters', { count: chapters.length })} · {t('units.words', { count: words })}
      </Text>
    </Stack>
  )
}
