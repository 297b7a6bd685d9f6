import { Blockquote, Button, Group, SegmentedControl, Text } from '@mantine/core'
import { type RefObject, useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { type Capabilities, useCapabilities, whyOff } from '../api/capabilities.ts'
import { CostWhenStill, FoldedInstructions, InstructionsField } from '../parts/asking.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import {
  budgetOf,
  type Instructions,
  isTyped,
  noInstructions,
  rewriteParametersOf,
  type Selected,
  type Unit,
  unitOf,
  type Wish,
  wishes,
} from '../parts/instructions.ts'
import { type Scene, useOutline } from '../queries/novel-queries.ts'
import { useSubmit } from './scene-writes.ts'
import styles from './scenes.module.css'

/** Returns what is selected within an element whose only child is a text; undefined where nothing is. */
export function useSelected(element: RefObject<HTMLElement | null>): Selected | undefined {
  const [selected, setSelected] = useState<Selected>()
  useEffect(() => {
    const read = () => {
      const selection = document.getSelection()
      const range = selection?.rangeCount ? selection.getRangeAt(0) : undefined
      const isWithin = range !== undefined && element.current?.contains(range.commonAncestorContainer)
      const text = isWithin ? range.toString() : ''
      setSelected(text.trim() === '' || !range ? undefined : { start: startOf(range, element.current), text })
    }
    document.addEventListener('selectionchange', read)
    return () => document.removeEventListener('selectionchange', read)
  }, [element])
  return selected
}

function startOf({ startContainer, startOffset }: Range, element: HTMLElement | null): number {
  const before = document.createRange()
  if (element !== null) before.setStart(element, 0)
  before.setEnd(startContainer, startOffset)
  return before.toString().length
}

interface RewriteToolsProps {
  scene: Scene
  selected: Selected | undefined
  /** What is typed in the editor is not saved: the selection may not be in the text that the server has. */
  isUnsaved?: boolean
  onSent?: () => void
}

/** What a model can do with the selected passage. Nothing where none can. */
export function RewriteTools({ scene, selected, isUnsaved = false, onSent }: RewriteToolsProps) {
  const t = useTranslations('scenes.rewrite')
  const { data: capabilities } = useCapabilities()
  const [asked, setAsked] = useState<{ wish: Wish; selected: Selected }>()
  if (capabilities === undefined || whyOff(capabilities, 'RewriteSelection') !== undefined) return null
  const canAsk = selected !== undefined && !isUnsaved
  return (
    <>
      <Group gap="xs" role="toolbar" aria-label={t('title')} className={styles['tools'] ?? ''} data-rewrite>
        {wishes.map(wish => (
          <Button
            key={wish}
            size="compact-sm"
            variant="default"
            disabled={!canAsk}
            // Or the selection is lost before the click comes.
            onMouseDown={event => event.preventDefault()}
            onClick={() => selected && setAsked({ wish, selected })}
          >
            {t(`wish.${wish}`)}
          </Button>
        ))}
        {!canAsk && (
          <Text size="xs" c="dimmed">
            {t(isUnsaved ? 'saveFirst' : 'select')}
          </Text>
        )}
      </Group>
      {asked !== undefined && (
        <RewriteDialog
          scene={scene}
          {...asked}
          capabilities={capabilities}
          onSent={() => onSent?.()}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  )
}

interface RewriteDialogProps {
  scene: Scene
  selected: Selected
  wish: Wish
  capabilities: Capabilities
  onSent: () => void
  onClose: () => void
}

/** Asks how the passage is to be changed, and says what that costs. */
function RewriteDialog({ scene, selected, capabilities, onSent, onClose, ...first }: RewriteDialogProps) {
  const t = useTranslations('scenes.rewrite')
  const { data: novel } = useOutline(scene.novelId)
  const [wish, setWish] = useState(first.wish)
  const [wanted, setWanted] = useState(noInstructions)
  const submit = useSubmit(scene.id)
  const change = (part: Partial<Instructions>) => setWanted(now => ({ ...now, ...part }))
  const unit: Unit = unitOf(novel?.language)
  const planned = {
    taskType: 'RewriteSelection',
    parameters: rewriteParametersOf(wanted, scene, { unit, selected, wish }),
  }
  const send = () =>
    submit.mutate(
      { ...planned, ...defined({ budget: budgetOf(wanted) }) },
      {
        onSuccess() {
          document.getSelection()?.removeAllRanges()
          onClose()
          onSent()
        },
      },
    )
  return (
    <Dialog size="lg" title={t('title')} isUnsaved={isTyped(wanted)} onClose={onClose}>
      <DialogForm
        onSubmit={send}
        error={submit.error}
        action={t(`wish.${wish}`)}
        isBusy={submit.isPending}
        isDisabled={false}
      >
        <Blockquote p="sm" m={0}>
          <Text size="sm" lineClamp={4} className="prose" data-passage>
            {selected.text.trim()}
          </Text>
        </Blockquote>
        <SegmentedControl
          aria-label={t('what')}
          value={wish}
          onChange={value => setWish(wishes.find(each => each === value) ?? wish)}
          data={wishes.map(value => ({ value, label: t(`wish.${value}`) }))}
        />
        <Text size="sm">{t(`hint.${wish}`)}</Text>
        <InstructionsField label={t('instructions')} wanted={wanted} onChange={change} />
        <FoldedInstructions
          wanted={wanted}
          onChange={change}
          capabilities={capabilities}
          unit={unit}
          usual={t(`length.${wish}`)}
        />
        <CostWhenStill planned={planned} />
      </DialogForm>
    </Dialog>
  )
}
