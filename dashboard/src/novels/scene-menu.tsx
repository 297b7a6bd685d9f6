import { ActionIcon, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconArrowDown,
  IconArrowMerge,
  IconArrowsExchange,
  IconArrowUp,
  IconCut,
  IconDots,
  IconTrash,
} from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { ChapterSelect } from '../parts/chapter-select.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { type Shape, useShape } from '../parts/shaping.ts'
import { useOutline } from '../queries/novel-queries.ts'
import type { SceneEntry } from './novel.ts'
import { mergeScene, moveScene, moveSceneTo, removeUnit, splitChapter } from './shape.ts'

interface SceneMenuProps {
  /** Those of its chapter. */
  scenes: readonly SceneEntry[]
  scene: SceneEntry
  /** What the page calls it. */
  name: string
}

/** What can be done with a scene in its chapter. */
export function SceneMenu({ scenes, scene, name }: SceneMenuProps) {
  const t = useTranslations('novels.shape')
  const shape = useShape(scene.novelId)
  const at = scenes.indexOf(scene)
  const [above, below, second] = [scenes[at - 1], scenes[at + 1], scenes[at + 2]]
  const named = { ...scene, title: name }
  const [isMoving, moving] = useDisclosure()
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            loading={shape.isPending}
            aria-label={t('change', { name })}
            title={t('change', { name })}
          >
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {above && (
            <Menu.Item
              leftSection={<IconArrowUp size={16} aria-hidden />}
              onClick={() => shape.mutate(() => moveScene(named, above.id, below?.id))}
            >
              {t('up')}
            </Menu.Item>
          )}
          {below && (
            <Menu.Item
              leftSection={<IconArrowDown size={16} aria-hidden />}
              onClick={() => shape.mutate(() => moveScene(named, second?.id, below.id))}
            >
              {t('down')}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconArrowsExchange size={16} aria-hidden />} onClick={moving.open}>
            {t('toChapter')}
          </Menu.Item>
          {above && (
            <Menu.Item
              leftSection={<IconCut size={16} aria-hidden />}
              onClick={() => shape.mutate(() => splitChapter(scene, scene.title ?? ''))}
            >
              {t('split')}
            </Menu.Item>
          )}
          {below && (
            <Menu.Item
              leftSection={<IconArrowMerge size={16} aria-hidden />}
              onClick={() => shape.mutate(() => mergeScene(scene, below))}
            >
              {t('join')}
            </Menu.Item>
          )}
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} aria-hidden />}
            onClick={() =>
              shape.mutate(() => removeUnit(scene.novelId, { what: 'scene', id: scene.id }, name))
            }
          >
            {t('delete')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isMoving && <ToChapter scene={named} below={below?.id} shape={shape} onClose={moving.close} />}
    </>
  )
}

interface ToChapterProps {
  scene: SceneEntry
  /** What follows it now. */
  below: string | undefined
  shape: Shape
  onClose: () => void
}

/** Moves a scene to the end of another chapter, once that is chosen. */
function ToChapter({ scene, below, shape, onClose }: ToChapterProps) {
  const t = useTranslations('novels.shape')
  const { data: novel } = useOutline(scene.novelId)
  const [chapterId, setChapterId] = useState(scene.chapterId)
  return (
    <Dialog title={t('toChapter')} onClose={onClose} centered>
      <DialogForm
        onSubmit={() => shape.mutate(() => moveSceneTo(scene, chapterId, below), { onSuccess: onClose })}
        action={t('move')}
        isBusy={shape.isPending}
        isDisabled={chapterId === scene.chapterId}
      >
        <ChapterSelect
          label={t('chapter')}
          description={t('toItsEnd')}
          novel={novel}
          value={chapterId}
          onChange={chosen => setChapterId(chosen ?? scene.chapterId)}
          allowDeselect={false}
        />
      </DialogForm>
    </Dialog>
  )
}
