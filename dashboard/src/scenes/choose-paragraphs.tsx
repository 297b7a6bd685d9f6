import { Button, Checkbox, Paper, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { diffArrays } from 'diff'
import { useMemo, useState } from 'react'
import { useTranslations } from 'use-intl'

interface ChooseParagraphsProps {
  /** The text of the scene. */
  mine: string
  /** The text of the candidate. */
  theirs: string
  isBusy: boolean
  onAccept: (merged: string) => void
}

/** The paragraphs of a candidate beside those of the scene, each to be taken by itself. */
export function ChooseParagraphs({ mine, theirs, isBusy, onAccept }: ChooseParagraphsProps) {
  const t = useTranslations('scenes.candidates')
  const passages = useMemo(() => placed(passagesOf(mine, theirs)), [mine, theirs])
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set())
  const toggle = (place: number) =>
    setChosen(now => new Set(now.has(place) ? [...now].filter(each => each !== place) : [...now, place]))
  return (
    <Stack gap="xs" data-choose>
      <Text size="sm" c="dimmed">
        {t('chooseHint')}
      </Text>
      {passages.map(passage =>
        passage.isSame ? (
          <Text key={passage.place} size="sm" c="dimmed" lineClamp={2}>
            {passage.mine.join('\n')}
          </Text>
        ) : (
          <Choice
            key={passage.place}
            passage={passage}
            isChosen={chosen.has(passage.place)}
            onToggle={() => toggle(passage.place)}
          />
        ),
      )}
      <Button
        size="xs"
        w="fit-content"
        leftSection={<IconCheck size={16} aria-hidden />}
        disabled={chosen.size === 0}
        loading={isBusy}
        onClick={() => onAccept(mergedText(passages, chosen))}
      >
        {t('acceptChosen', { count: chosen.size })}
      </Button>
    </Stack>
  )
}

/** Passages have no name but their place in the text. */
function placed(passages: readonly Passage[]) {
  return passages.map((passage, place) => ({ ...passage, place }))
}

function Choice({
  passage: { mine, theirs },
  isChosen,
  onToggle,
}: {
  passage: Passage
  isChosen: boolean
  onToggle: () => void
}) {
  const t = useTranslations('scenes.candidates')
  return (
    <Paper withBorder p="sm" data-passage>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <Side title={isChosen ? t('now') : t('stays', { what: t('now') })} lines={mine} isUsed={!isChosen} />
        <Side
          title={isChosen ? t('taken', { what: t('candidate') }) : t('candidate')}
          lines={theirs}
          isUsed={isChosen}
        />
      </SimpleGrid>
      <Checkbox
        mt="xs"
        checked={isChosen}
        onChange={onToggle}
        label={theirs.length === 0 ? t('leaveOut') : t('take')}
      />
    </Paper>
  )
}

function Side({ title, lines, isUsed }: { title: string; lines: readonly string[]; isUsed: boolean }) {
  const t = useTranslations('scenes.candidates')
  const text = lines.join('\n').trim()
  return (
    <div>
      <Text size="xs" c="dimmed" fw={isUsed ? 700 : 400}>
        {title}
      </Text>
      <Text size="sm" {...(isUsed ? {} : { c: 'dimmed' })} style={{ whiteSpace: 'pre-wrap' }}>
        {text === '' ? t('nothing') : text}
      </Text>
    </div>
  )
}

/** A place where two texts are the same or differ: the lines of each, either of which may be none. */
interface Passage {
  mine: readonly string[]
  theirs: readonly string[]
  isSame: boolean
}

const isBlank = (lines: readonly string[]) => lines.every(line => line.trim() === '')

/** Returns where two texts are the same and where they differ, in order. Blank lines alone are no difference. */
function passagesOf(mine: string, theirs: string): Passage[] {
  const changes = diffArrays(mine.split('\n'), theirs.split('\n'))
  return changes.flatMap(({ added, removed, value }, at): Passage[] => {
    const [before, next] = [changes[at - 1], changes[at + 1]]
    if (added && before?.removed) return []
    if (!added && !removed) return [{ mine: value, theirs: value, isSame: true }]
    const [own, other] = added ? [[], value] : [value, next?.added ? next.value : []]
    return [{ mine: own, theirs: other, isSame: isBlank(own) && isBlank(other) }]
  })
}

/** Returns the text that has the chosen passages of theirs, and mine for the rest. */
function mergedText(passages: readonly Passage[], chosen: ReadonlySet<number>): string {
  return passages.flatMap(({ mine, theirs }, at) => (chosen.has(at) ? theirs : mine)).join('\n')
}
