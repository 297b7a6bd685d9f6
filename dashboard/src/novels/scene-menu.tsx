import { ActionIcon, Menu } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconCut, IconDots, IconTrash } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { SceneEntry } from './novel.ts'
import { moveScene, removeUnit, splitChapter, useShape } from './shape.ts'

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
  return (
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
        {above && (
          <Menu.Item
            leftSection={<IconCut size={16} aria-hidden />}
            onClick={() => shape.mutate(() => splitChapter(scene, scene.title ?? ''))}
          >
            {t('split')}
          </Menu.Item>
        )}
        <Menu.Item
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => shape.mutate(() => removeUnit(scene.novelId, { what: 'scene', id: scene.id }, name))}
        >
          {t('delete')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
