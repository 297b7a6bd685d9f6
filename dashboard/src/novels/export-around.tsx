import { Checkbox, Stack, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslations } from 'use-intl'

/** What a person types for the file alone. */
export interface Around {
  /** Before and after the story. */
  front: string
  end: string
  /** Lines below the author of a manuscript. */
  contact: string
}

export const nothingAround: Around = { front: '', end: '', contact: '' }

/** UTF-16 units of a text, as the task takes it. */
const longestMatter = 20_000
/** Lines of a contact, and units of all of them. */
const contactLines = 10
const longestContact = 1_000

/** Returns the parameters of what was typed, without what is empty. */
export function aroundParameters(
  { front, end, contact }: Around,
  { hasMatter, hasContact }: { hasMatter: boolean; hasContact: boolean },
) {
  const matterOf = (text: string) => (hasMatter && text.trim() !== '' ? [{ text }] : undefined)
  const [frontMatter, endMatter] = [matterOf(front), matterOf(end)]
  const lines = contact.split('\n').map(line => line.trim())
  const written = lines.filter(line => line !== '').slice(0, contactLines)
  return {
    ...(frontMatter && { frontMatter }),
    ...(endMatter && { endMatter }),
    ...(hasContact && written.length > 0 && { contact: written }),
  }
}

interface AroundFieldsProps {
  value: Around
  onChange: (value: Partial<Around>) => void
  hasContact: boolean
  hasMatter: boolean
}

/** Asks for the contact of a manuscript, and, where they are wanted, for the texts before and after the story. */
export function AroundFields({ value, onChange, hasContact, hasMatter }: AroundFieldsProps) {
  const t = useTranslations('novels.export')
  const [isOpen, { toggle }] = useDisclosure(value.front !== '' || value.end !== '')
  const field = (name: keyof Around, maxLength: number) => ({
    label: t(name),
    description: t(`hints.${name}`),
    value: value[name],
    onChange: ({ currentTarget }: { currentTarget: HTMLTextAreaElement }) =>
      onChange({ [name]: currentTarget.value }),
    maxLength,
    autosize: true,
    minRows: 2,
    maxRows: 6,
  })
  return (
    <>
      {hasContact && <Textarea {...field('contact', longestContact)} />}
      {hasMatter && (
        <Stack gap="xs">
          <Checkbox label={t('around')} description={t('hints.around')} checked={isOpen} onChange={toggle} />
          {isOpen && (
            <>
              <Textarea {...field('front', longestMatter)} />
              <Textarea {...field('end', longestMatter)} />
            </>
          )}
        </Stack>
      )}
    </>
  )
}
