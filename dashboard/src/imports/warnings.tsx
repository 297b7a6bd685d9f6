import { Alert, Button, Group, List, Paper, Stack, Text, Title, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import classes from './imports.module.css'
import type { Preview } from './upload-query.ts'

type Warning = Preview['warnings'][number]

interface WarningsProps {
  warnings: readonly Warning[]
  /** The chapters of the file. */
  chapters: Preview['volumes'][number]['chapters']
  /** A chapter is to be shown in the list. */
  onShow: (chapter: number) => void
}

/** What a person should check, one kind after the other, in plain words and with its place. */
export function Warnings({ warnings, chapters, onShow }: WarningsProps) {
  const t = useTranslations('imports.warnings')
  if (warnings.length === 0)
    return (
      <Alert color="green" icon={<IconCircleCheck aria-hidden />}>
        {t('nothing')}
      </Alert>
    )
  const codes = [...new Set(warnings.map(({ code }) => code))]
  return (
    <Paper
      withBorder
      p="md"
      component="section"
      aria-label={t('title')}
      className={classes['warnings'] ?? ''}
    >
      <Stack gap="md">
        <Title order={2}>{t('title')}</Title>
        {codes.map(code => (
          <WarningGroup
            key={code}
            code={code}
            group={warnings.filter(warning => warning.code === code)}
            chapters={chapters}
            onShow={onShow}
          />
        ))}
      </Stack>
    </Paper>
  )
}

type WarningGroupProps = Omit<WarningsProps, 'warnings'> & { code: string; group: readonly Warning[] }

/** Places that are shown before one asks for more. */
const few = 3

function WarningGroup({ code, group, chapters, onShow }: WarningGroupProps) {
  const t = useTranslations('imports.warnings')
  const [showsAll, setShowsAll] = useState(false)
  const known = t.has(`codes.${code as 'BAD_BYTES'}.title`) ? (code as 'BAD_BYTES') : undefined
  const count = group[0]?.count ?? group.length
  const shown = showsAll ? group : group.slice(0, few)
  return (
    <Group wrap="nowrap" align="flex-start" gap="xs" data-warning={code}>
      <IconAlertTriangle size={20} aria-hidden className={classes['mark'] ?? ''} />
      <Stack gap={4} miw={0}>
        <Text fw={600}>{known === undefined ? t('unknown') : t(`codes.${known}.title`, { count })}</Text>
        {known !== undefined && <Text size="sm">{t(`codes.${known}.text`)}</Text>}
        <List size="sm" spacing={2}>
          {shown.map(warning => (
            <WarningPlace
              key={`${warning.chapter} ${warning.line} ${warning.message}`}
              warning={warning}
              chapters={chapters}
              isKnown={known !== undefined}
              onShow={onShow}
            />
          ))}
        </List>
        {shown.length < group.length && (
          <Button size="compact-sm" variant="subtle" onClick={() => setShowsAll(true)}>
            {t('showAll', { count: group.length })}
          </Button>
        )}
        {showsAll && count > group.length && known !== 'BAD_BYTES' && (
          <Text size="sm">{t('more', { count: count - group.length })}</Text>
        )}
      </Stack>
    </Group>
  )
}

interface WarningPlaceProps extends Omit<WarningsProps, 'warnings'> {
  warning: Warning
  /** Whether the kind of warning has words of ours; else those of the server are all there is. */
  isKnown: boolean
}

function WarningPlace({ warning, chapters, isKnown, onShow }: WarningPlaceProps) {
  const t = useTranslations('imports.warnings')
  const { chapter, line, message, pages } = warning
  const title = chapter === undefined ? undefined : chapters[chapter]?.title
  const hasPlace = title !== undefined || line !== undefined
  if (!isKnown) return <List.Item>{message}</List.Item>
  if (pages !== undefined) return <Pages pages={pages} count={warning.count ?? pages.length} />
  if (!hasPlace) return null
  return (
    <List.Item>
      {chapter !== undefined && title !== undefined && (
        <UnstyledButton fz="sm" td="underline" onClick={() => onShow(chapter)}>
          {title}
        </UnstyledButton>
      )}
      {title !== undefined && line !== undefined && ' · '}
      {line !== undefined && t('line', { line })}
    </List.Item>
  )
}

/** Pages of a book, which have no line: by their kind, or as the book calls them. */
function Pages({ pages, count }: { pages: NonNullable<Warning['pages']>; count: number }) {
  const t = useTranslations('imports.warnings')
  const names = pages.map(page => ('kind' in page ? t(`pageKinds.${page.kind}`) : page.name))
  return (
    <>
      {[...new Set(names)].map(name => (
        <List.Item key={name}>{name}</List.Item>
      ))}
      {count > pages.length && <List.Item>{t('more', { count: count - pages.length })}</List.Item>}
    </>
  )
}
