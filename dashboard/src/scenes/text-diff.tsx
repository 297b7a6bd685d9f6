import { Group, Stack, Text, VisuallyHidden } from '@mantine/core'
import { type ChangeObject, diffArrays } from 'diff'
import { type ReactNode, useMemo } from 'react'
import { useTranslations } from 'use-intl'
import styles from './scenes.module.css'

/** A stretch of a text: in both, only in the older one, or only in the newer one. */
interface Stretch {
  value: string
  is: 'same' | 'added' | 'removed'
}

/** Milliseconds that comparing the words of two paragraphs may take; then they are shown as replaced. */
const mostMs = 200
/** Share of the longer paragraph that has to be the same for them to be compared word by word. */
const leastAlike = 0.4

/** What changed from one text to another, paragraph by paragraph, and word by word within a paragraph that was changed. */
export function TextDiff({ before, after }: { before: string; after: string }) {
  const t = useTranslations('scenes.history')
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

function compare(before: string, after: string): Stretch[][] {
  const changes = diffArrays(before.split('\n'), after.split('\n'))
  return changes.flatMap((change, at) => {
    const [last, next] = [changes[at - 1], changes[at + 1]]
    if (change.removed && next?.added) return comparePairs(change.value, next.value)
    if (change.added && last?.removed) return []
    return change.value.map(value => [{ value, is: kindOf(change) }])
  })
}

function kindOf({ added, removed }: Pick<ChangeObject<unknown>, 'added' | 'removed'>): Stretch['is'] {
  if (added) return 'added'
  return removed ? 'removed' : 'same'
}

/** Paragraphs that stand for each other, by their order. */
function comparePairs(before: readonly string[], after: readonly string[]): Stretch[][] {
  const length = Math.max(before.length, after.length)
  return Array.from({ length }, (_, at) => {
    const [old, now] = [before[at], after[at]]
    if (old === undefined) return [{ value: now ?? '', is: 'added' }]
    if (now === undefined) return [{ value: old, is: 'removed' }]
    return compareWords(old, now)
  })
}

/** Words of Chinese have no spaces between them: the browser knows where they end. */
function compareWords(before: string, after: string): Stretch[] {
  const words = (text: string) =>
    Array.from(new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text), ({ segment }) => segment)
  const changes = diffArrays(words(before), words(after), { timeout: mostMs })
  const stretches = changes?.map((change): Stretch => ({ value: change.value.join(''), is: kindOf(change) }))
  if (stretches !== undefined && isAlike(stretches, Math.max(before.length, after.length))) return stretches
  return [
    { value: before, is: 'removed' },
    { value: after, is: 'added' },
  ]
}

/** Returns whether enough is the same for a comparison word by word to be read; else one paragraph stands after the other. */
function isAlike(stretches: readonly Stretch[], length: number): boolean {
  const same = stretches.reduce((sum, { value, is }) => sum + (is === 'same' ? value.length : 0), 0)
  return same >= length * leastAlike
}
