import { Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Form } from '../parts/form.tsx'
import { useErrorText } from '../parts/states.tsx'
import type { Preview } from './upload-query.ts'

interface EncodingChoiceProps {
  kind: Preview['kind']
  encoding: Preview['encoding']
  /** Whether it was chosen here, and not detected. */
  isChosen: boolean
  isBusy: boolean
  /** Why the last choice could not be followed. */
  error: unknown
  onChoose: (encoding: string) => void
}

/** The last entry of the choice: a name that is typed. */
const other = 'other'

/** In which encoding the file was read, how sure that is, and a way to correct it. */
export function EncodingChoice(props: EncodingChoiceProps) {
  const { kind, encoding, isChosen, isBusy, onChoose } = props
  const t = useTranslations('imports.encoding')
  const errorText = useErrorText()
  const [isTyping, setIsTyping] = useState(false)
  const entries = useEncodingEntries(encoding.name)
  // An EPUB or a Word document brings its encoding along.
  if (kind !== 'text') return <Text size="sm">{t('fixed')}</Text>
  const confidence = isChosen ? 'chosen' : confidenceOf(encoding.confidence)
  const error = props.error === null ? undefined : errorText(props.error)
  const choose = (value: string) => {
    if (isBusy) return
    setIsTyping(value === other)
    if (value !== other) onChoose(value)
  }
  return (
    <Stack gap="xs">
      <NativeSelect
        label={t('label')}
        description={t(confidence)}
        data-confidence={confidence}
        value={isTyping ? other : encoding.name}
        onChange={({ currentTarget }) => choose(currentTarget.value)}
        // Not disabled: what is disabled loses the keys.
        aria-busy={isBusy}
        error={error}
        data={entries}
      />
      {isTyping && <TypedEncoding isBusy={isBusy} onChoose={onChoose} />}
    </Stack>
  )
}

function useEncodingEntries(current: string): { value: string; label: string }[] {
  const t = useTranslations('imports.encoding')
  const known: readonly string[] = usualEncodings
  const names = known.includes(current) ? known : [current, ...known]
  return [
    ...names.map(value => ({ value, label: known.includes(value) ? t(`names.${value as 'utf-8'}`) : value })),
    { value: other, label: t('other') },
  ]
}

function TypedEncoding({ isBusy, onChoose }: Pick<EncodingChoiceProps, 'isBusy' | 'onChoose'>) {
  const t = useTranslations('imports.encoding')
  const [name, setName] = useState('')
  return (
    <Form
      onSubmit={() => {
        if (name.trim() !== '') onChoose(name.trim())
      }}
    >
      <Group gap="xs" align="flex-end">
        <TextInput
          label={t('name')}
          placeholder="iso-8859-15"
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
          maxLength={40}
          flex={1}
          autoComplete="off"
          autoFocus
        />
        <Button type="submit" variant="light" loading={isBusy}>
          {t('use')}
        </Button>
      </Group>
    </Form>
  )
}

/** Encodings that novels come in, by their names in the Encoding Standard, the most usual first. The server knows more. */
const usualEncodings = [
  'utf-8',
  'gb18030',
  'big5',
  'utf-16le',
  'utf-16be',
  'windows-1252',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'windows-1251',
  'koi8-r',
  'iso-8859-2',
  'windows-1250',
] as const

/** Returns how sure the reading of a file is, in words rather than in figures. */
function confidenceOf(share: number): 'certain' | 'probable' | 'guess' {
  if (share >= 0.9) return 'certain'
  return share >= 0.5 ? 'probable' : 'guess'
}
