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
  type Edit,
  edits,
  type Instructions,
  isTyped,
  noInstructions,
  rewriteParametersOf,
  type Selected,
  type Unit,
  unitOf,
} from '../parts/instructions.ts'
import { type Scene, useIsReference, useOutline } from '../queries/novel-queries.ts'
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

/** What a model can do with the selected passage. Nothing where none can, or may. */
export function RewriteTools({ scene, selected, isUnsaved = false, onSent }: RewriteToolsProps) {
  const t = useTranslations('scenes.rewrite')
  const { data: capabilities } = useCapabilities()
  const [asked, setAsked] = useState<{ edit: Edit; selected: Selected }>()
  const isReference = useIsReference(scene.novelId)
  if (capabilities === undefined || whyOff(capabilities, 'RewriteSelection') !== undefined) return null
  if (isReference) return null
  const canAsk = selected !== undefined && !isUnsaved
  return (
    <>
      <Group gap="xs" role="toolbar" aria-label={t('title')} className={styles['tools'] ?? ''} data-rewrite>
        {edits.map(edit => (
          <Button
            key={edit}
            size="compact-sm"
            variant="default"
            disabled={!canAsk}
            // Or the selection is lost before the click comes.
            onMouseDown={event => event.preventDefault()}
            onClick={() => selected && setAsked({ edit, selected })}
          >
            {t(`edit.${edit}`)}
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
  edit: Edit
  capabilities: Capabilities
  onSent: () => void
  onClose: () => void
}

/** Asks how the passage is to be changed, and says what that costs. */
function RewriteDialog({ scene, selected, capabilities, onSent, onClose, ...first }: RewriteDialogProps) {
  const t = useTranslations('scenes.rewrite')
  const { data: novel } = useOutline(scene.novelId)
  const [edit, setEdit] = useState(first.edit)
  const [wanted, setWanted] = useState(noInstructions)
  const submit = useSubmit(scene.id)
  const change = (part: Partial<Instructions>) => setWanted(now => ({ ...now, ...part }))
  const unit: Unit = unitOf(novel?.language)
  const planned = {
    taskType: 'RewriteSelection',
    parameters: rewriteParametersOf(wanted, scene, { unit, selected, edit }),
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
        action={t(`edit.${edit}`)}
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
          value={edit}
          onChange={value => setEdit(edits.find(each => each === value) ?? edit)}
          data={edits.map(value => ({ value, label: t(`edit.${value}`) }))}
        />
        <Text size="sm">{t(`hint.${edit}`)}</Text>
        <InstructionsField label={t('instructions')} wanted={wanted} onChange={change} />
        <FoldedInstructions
          wanted={wanted}
          onChange={change}
          capabilities={capabilities}
          unit={unit}
          usual={t(`length.${edit}`)}
        />
        <CostWhenStill planned={planned} />
      </DialogForm>
    </Dialog>
  )
}
