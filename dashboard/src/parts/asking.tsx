import { Button, Collapse } from '@mantine/core'
import { useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { IconChevronDown } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { CostNotice, type PlannedTask } from './cost-notice.tsx'
import { MoreInstructions, type MoreInstructionsProps } from './instruction-fields.tsx'
import { hasMore, type Instructions } from './instructions.ts'
import { LongText } from './long-text.tsx'

/** The parts of a form that asks a model for texts. */

interface InstructionsFieldProps {
  label: string
  description?: string
  wanted: Instructions
  onChange: (part: Partial<Instructions>) => void
}

/** What an author asks for in own words. */
export function InstructionsField({ label, description, wanted, onChange }: InstructionsFieldProps) {
  return (
    <LongText
      label={label}
      description={description}
      maxLength={4_000}
      value={wanted.instructions}
      onType={text => onChange({ instructions: text })}
    />
  )
}

/** Length, style, model, budget, behind a button; open where one of them is given. */
export function FoldedInstructions(props: MoreInstructionsProps) {
  const t = useTranslations('scenes.write')
  const [isOpen, { toggle }] = useDisclosure(hasMore(props.wanted))
  return (
    <>
      <Button
        variant="subtle"
        size="compact-sm"
        onClick={toggle}
        aria-expanded={isOpen}
        rightSection={<IconChevronDown size={16} aria-hidden />}
        justify="flex-start"
        w="fit-content"
      >
        {t('more')}
      </Button>
      <Collapse expanded={isOpen}>
        <MoreInstructions {...props} />
      </Collapse>
    </>
  )
}

/** Milliseconds without typing before the costs are asked for. */
const stillMs = 400

/** What a task will cost; asked for when nobody is typing. */
export function CostWhenStill({ planned }: { planned: PlannedTask }) {
  const [still] = useDebouncedValue(JSON.stringify(planned), stillMs)
  return <CostNotice planned={JSON.parse(still) as PlannedTask} />
}
