import { ActionIcon, Button, Group, Menu, TextInput } from '@mantine/core'
import { IconBookmark, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { sharedValue } from '../browser/shared-value.ts'
import { readStored, writeStored } from '../browser/state.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ExportMenu } from '../parts/export-menu.tsx'
import { DialogForm } from '../parts/form.tsx'
import { searchOf, type TasksSearch } from '../queries/search.ts'
import type { FilterProps } from './task-filters.tsx'
import { taskQueryOf } from './task-list.ts'

/** A list of tasks that a person comes back to, by its filters and its order. */
interface View {
  readonly name: string
  readonly search: TasksSearch
}

const storedAs = 'quillwork.task-views'
/** More than a menu can show. */
const mostViews = 20
const longestName = 60

const views = sharedValue<readonly View[]>(viewsOf(readStored(storedAs)))

/** Returns the views in what the browser stores; what is none is left out. */
function viewsOf(stored: unknown): readonly View[] {
  const found = Array.isArray(stored) ? (stored as unknown[]) : []
  return found
    .flatMap(each => {
      const { name, search } = (each ?? {}) as { name?: unknown; search?: unknown }
      if (typeof name !== 'string' || name === '' || typeof search !== 'object' || search === null) return []
      return [{ name: name.slice(0, longestName), search: searchOf.tasks(search as Record<string, unknown>) }]
    })
    .slice(0, mostViews)
}

function keep(all: readonly View[]): void {
  views.set(all)
  writeStored(storedAs, all)
}

/** The views that a person saved in this browser, and the way to save one. The address of a view shows it to others. */
export function ViewsMenu({ search, onSearch }: FilterProps) {
  const t = useTranslations('tasks.views')
  const all = views.useValue()
  const [isSaving, setIsSaving] = useState(false)
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" leftSection={<IconBookmark size={16} aria-hidden />}>
            {t('title')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {all.length === 0 && <Menu.Label>{t('none')}</Menu.Label>}
          {all.map(view => (
            <Group key={view.name} gap={4} wrap="nowrap">
              <Menu.Item onClick={() => onSearch(view.search)}>{view.name}</Menu.Item>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('remove', { name: view.name })}
                title={t('remove', { name: view.name })}
                onClick={() => keep(all.filter(({ name }) => name !== view.name))}
              >
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            </Group>
          ))}
          <Menu.Divider />
          <Menu.Item disabled={all.length >= mostViews} onClick={() => setIsSaving(true)}>
            {t(all.length >= mostViews ? 'full' : 'save')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isSaving && <SaveDialog search={search} onClose={() => setIsSaving(false)} />}
    </>
  )
}

function SaveDialog({ search, onClose }: { search: TasksSearch; onClose: () => void }) {
  const t = useTranslations('tasks.views')
  const all = views.useValue()
  const [typed, setTyped] = useState('')
  const name = typed.trim()
  return (
    <Dialog title={t('save')} isUnsaved={name !== ''} onClose={onClose}>
      <DialogForm
        onSubmit={() => {
          keep([...all.filter(each => each.name !== name), { name, search }])
          onClose()
        }}
        action={t('keep')}
        isBusy={false}
        isDisabled={name === ''}
      >
        <TextInput
          label={t('name')}
          description={t('help')}
          maxLength={longestName}
          value={typed}
          onChange={({ currentTarget }) => setTyped(currentTarget.value)}
          data-autofocus
        />
      </DialogForm>
    </Dialog>
  )
}

/** Takes the whole list along, with its filters, as a file. */
export function ExportTasks({ search }: { search: TasksSearch }) {
  const query = taskQueryOf(search)
  return (
    <ExportMenu
      name="tasks"
      read={format =>
        dataOf(api.GET('/v1/tasks:export', { params: { query: { ...query, format } }, parseAs: 'blob' }))
      }
    />
  )
}
