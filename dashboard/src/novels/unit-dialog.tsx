import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconArrowDown, IconArrowMerge, IconArrowUp, IconTrash } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import { ChapterSelect } from '../parts/chapter-select.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import type { Done, Shape } from '../parts/shaping.ts'
import { type ChapterEntry, chaptersOf, type NovelOutline, type Volume } from './novel.ts'
import {
  editChapter,
  mergeChapter,
  moveChapter,
  moveVolume,
  placeBeside,
  placeOf,
  removeUnit,
  renameVolume,
} from './shape.ts'
import { TargetField } from './target-words.tsx'

interface UnitDialogProps {
  novel: NovelOutline
  shape: Shape
  onClose: () => void
}

/** Changes a chapter: its title, its place, what it holds. */
export function ChapterDialog({
  novel,
  chapter,
  shape,
  onDeleted,
  onClose,
}: UnitDialogProps & { chapter: ChapterEntry; onDeleted?: () => void }) {
  const t = useTranslations('novels')
  const name = chapter.title === '' ? t('chapterNumber', { number: chapter.position + 1 }) : chapter.title
  const [up, down] = [placeBeside(novel, chapter.id, -1), placeBeside(novel, chapter.id, 1)]
  const next = chaptersOf(novel)[chapter.position + 1]
  const act = (what: () => Promise<Done>, after?: () => void) =>
    shape.mutate(what, {
      onSuccess() {
        onClose()
        after?.()
      },
    })
  return (
    <UnitForm
      name={name}
      title={chapter.title}
      target={chapter.targetWords ?? 0}
      shape={shape}
      onSave={(title, targetWords) => editChapter(novel.id, chapter, { title, targetWords })}
      onClose={onClose}
    >
      <Steps
        isBusy={shape.isPending}
        onUp={up && (() => act(() => moveChapter(novel, chapter, up)))}
        onDown={down && (() => act(() => moveChapter(novel, chapter, down)))}
      />
      <ChapterSelect
        label={t('shape.moveBefore')}
        novel={novel}
        value={undefined}
        disabled={shape.isPending}
        onChange={before => {
          if (before === null || before === chapter.id) return
          const { volumeId } = placeOf(novel, before)
          act(() => moveChapter(novel, chapter, { volumeId, before }))
        }}
      />
      <Group gap="xs">
        {next && (
          <Button
            variant="default"
            leftSection={<IconArrowMerge size={16} aria-hidden />}
            disabled={shape.isPending}
            onClick={() => act(() => mergeChapter(novel, chapter, next))}
          >
            {t('shape.merge')}
          </Button>
        )}
        <DeleteUnit
          isBusy={shape.isPending}
          onDelete={() =>
            act(() => removeUnit(novel.id, { what: 'chapter', id: chapter.id }, name), onDeleted)
          }
        />
      </Group>
    </UnitForm>
  )
}

/** Changes a volume: its title and its place. */
export function VolumeDialog({ novel, volume, shape, onClose }: UnitDialogProps & { volume: Volume }) {
  const t = useTranslations('novels')
  const name = volume.title === '' ? t('outline.volume', { number: volume.position + 1 }) : volume.title
  const act = (what: () => Promise<Done>) => shape.mutate(what, { onSuccess: onClose })
  const isLast = volume.position === novel.outline.length - 1
  return (
    <UnitForm
      name={name}
      title={volume.title}
      shape={shape}
      onSave={title => renameVolume(novel.id, volume, title)}
      onClose={onClose}
    >
      <Steps
        isBusy={shape.isPending}
        onUp={volume.position > 0 ? () => act(() => moveVolume(novel, volume, -1)) : undefined}
        onDown={isLast ? undefined : () => act(() => moveVolume(novel, volume, 1))}
      />
      <Group gap="xs">
        <DeleteUnit
          isBusy={shape.isPending}
          onDelete={() => act(() => removeUnit(novel.id, { what: 'volume', id: volume.id }, name))}
        />
      </Group>
    </UnitForm>
  )
}

interface UnitFormProps {
  name: string
  title: string
  /** Of words; absent where it can have none. */
  target?: number
  shape: Shape
  onSave: (title: string, target: number) => Promise<Done>
  children: ReactNode
  onClose: () => void
}

/** The title of a unit and its target, and below them what else can be done. */
function UnitForm({ name, title, target, shape, onSave, children, onClose }: UnitFormProps) {
  const t = useTranslations('novels.shape')
  const [typed, setTyped] = useState(title)
  const [words, setWords] = useState(target ?? 0)
  const isChanged = typed.trim() !== title || words !== (target ?? 0)
  return (
    <Dialog title={name} isUnsaved={isChanged && !shape.isPending} onClose={onClose}>
      <Stack>
        <DialogForm
          onSubmit={() => shape.mutate(() => onSave(typed.trim(), words), { onSuccess: onClose })}
          action={t('rename')}
          isBusy={shape.isPending}
          isDisabled={!isChanged}
        >
          <TextInput
            label={t('title')}
            value={typed}
            maxLength={300}
            onChange={({ currentTarget }) => setTyped(currentTarget.value)}
            data-autofocus
          />
          {target !== undefined && <TargetField value={words} onChange={setWords} />}
        </DialogForm>
        {children}
      </Stack>
    </Dialog>
  )
}

interface StepsProps {
  isBusy: boolean
  /** Undefined: there is nothing above. */
  onUp: (() => void) | undefined
  onDown: (() => void) | undefined
}

function Steps({ isBusy, onUp, onDown }: StepsProps) {
  const t = useTranslations('novels.shape')
  return (
    <Group gap="xs">
      <Button
        variant="default"
        leftSection={<IconArrowUp size={16} aria-hidden />}
        disabled={isBusy || onUp === undefined}
        onClick={onUp}
      >
        {t('up')}
      </Button>
      <Button
        variant="default"
        leftSection={<IconArrowDown size={16} aria-hidden />}
        disabled={isBusy || onDown === undefined}
        onClick={onDown}
      >
        {t('down')}
      </Button>
    </Group>
  )
}

function DeleteUnit({ isBusy, onDelete }: { isBusy: boolean; onDelete: () => void }) {
  const t = useTranslations('novels.shape')
  return (
    <Stack gap={4}>
      <Button
        variant="default"
        c="red"
        leftSection={<IconTrash size={16} aria-hidden />}
        disabled={isBusy}
        onClick={onDelete}
      >
        {t('delete')}
      </Button>
      <Text size="xs" c="dimmed">
        {t('deleteText')}
      </Text>
    </Stack>
  )
}
