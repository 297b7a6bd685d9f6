import { Group, Stack, Text, VisuallyHidden } from '@mantine/core'
import { type ReactNode, useMemo } from 'react'
import { useTranslations } from 'use-intl'
import { compare, type Stretch } from './compare-texts.ts'
import styles from './text-diff.module.css'

interface TextDiffProps {
  before: string
  after: string
  /** What the two are: an older text and that of now, that of now and a candidate, or that of the novel and that of a file. */
  words?: 'history' | 'candidates' | 'file'
}

/** What changed from one text to another, paragraph by paragraph, and word by word within a paragraph that was changed. */
export function TextDiff({ before, after, words = 'history' }: TextDiffProps) {
  const t = useTranslations(`scenes.${words}`)
  const paragraphs = useMemo(() => placed(compare(before, after)), [before, after])
  if (before === after) return <Text size="sm">{t('same')}</Text>
  return (
    <Stack gap="xs" data-diff>
      <Group gap="md">
        <Text size="xs">
          <del className={styles['removed']}>{t('onlyThen')}</del>
        </Text>
        <Text size="xs">
          <ins className={styles['added']}>{t('onlyNow')}</ins>
        </Text>
      </Group>
      <div className="prose">
        {paragraphs.map(({ place, stretches }) => (
          <div key={place} className={styles['paragraph']}>
            {stretches.map(({ place: at, stretch }) => (
              <Piece key={at} stretch={stretch} />
            ))}
          </div>
        ))}
      </div>
    </Stack>
  )
}

function Piece({ stretch: { value, is } }: { stretch: Stretch }): ReactNode {
  const t = useTranslations('scenes.history')
  if (is === 'same') return value
  const Tag = is === 'added' ? 'ins' : 'del'
  return (
    <Tag className={styles[is]}>
      <VisuallyHidden>{t(is)}</VisuallyHidden>
      {value}
    </Tag>
  )
}

/** Stretches have no name but their place in the comparison. */
function placed(paragraphs: readonly Stretch[][]) {
  return paragraphs.map((stretches, place) => ({
    place,
    stretches: stretches.map((stretch, at) => ({ place: at, stretch })),
  }))
}
