import { Paper, Stack, Text } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Ago } from '../parts/ago.tsx'
import { TextLink } from '../parts/links.tsx'
import { TaskProgress } from '../parts/task-progress.tsx'
import classes from './home.module.css'
import { ImportLine } from './import-steps.tsx'
import { useLanguageName } from './language-name.ts'
import type { Novel } from './shelf.ts'

/** A novel on the shelf. `task`: what is being done with it. */
export function NovelCard({ novel, task }: { novel: Novel; task: Task | undefined }) {
  const t = useTranslations()
  const languageName = useLanguageName()
  const { id, title, author, language, words, chapters, scenes, updatedAt } = novel
  const who = [author, languageName(language)].filter(part => part !== undefined).join(' · ')
  return (
    <Paper withBorder p="md" className={`${classes['book']} ${classes['card']}`} data-novel={id}>
      <Stack gap="xs" h="100%" justify="space-between">
        <Stack gap={2}>
          <TextLink
            to="/novels/$novelId"
            params={{ novelId: id }}
            className={`${classes['bookTitle']} ${classes['stretched']}`}
            c="var(--mantine-color-text)"
          >
            <span lang={language}>{title}</span>
          </TextLink>
          {who !== '' && (
            <Text size="sm" c="dimmed">
              {who}
            </Text>
          )}
        </Stack>
        <Stack gap={4}>
          <Text size="sm" className="numbers">
            {t('units.words', { count: words })} · {t('units.chapters', { count: chapters })} ·{' '}
            {t('units.scenes', { count: scenes })}
          </Text>
          {task === undefined ? <Summaries novel={novel} /> : <Work task={task} />}
          <Text size="xs" c="dimmed">
            {t.rich('home.changed', { ago: () => <Ago at={updatedAt} /> })}
          </Text>
        </Stack>
      </Stack>
    </Paper>
  )
}

function Work({ task }: { task: Task }) {
  return task.taskType === 'ImportNovel' ? <ImportLine task={task} /> : <TaskProgress task={task} isSlim />
}

function Summaries({ novel: { scenes, summaries } }: { novel: Novel }) {
  const t = useTranslations('home')
  const isAll = scenes > 0 && summaries >= scenes
  return (
    <Text size="sm" className="numbers">
      {isAll && <IconCheck size={14} aria-hidden color="var(--mantine-color-green-filled)" />}{' '}
      {isAll ? t('allSummaries') : t('someSummaries', { summaries, scenes })}
    </Text>
  )
}
