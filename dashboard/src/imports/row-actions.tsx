import { ActionIcon, Menu, TextInput } from '@mantine/core'
import { IconDots, IconEye } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import classes from './imports.module.css'
import type { ChapterRow, Row } from './rows.ts'

/** What a person does to a row. */
export type RowAct =
  | { readonly kind: 'read'; readonly row: ChapterRow }
  | { readonly kind: 'merge'; readonly row: ChapterRow }
  | { readonly kind: 'beginVolume'; readonly row: ChapterRow }
  | { readonly kind: 'rename'; readonly row: Row; readonly title: string }
  | { readonly kind: 'endVolume'; readonly row: Row }

const takeFocus = (element: HTMLElement | null) => element?.focus({ preventScroll: true })

interface RowActionsProps {
  row: Row
  /** The row as it is called. */
  name: string
  /** Whether Tab leads to it. */
  isStop: boolean
  /** The file is read as it is. */
  isFixed: boolean
  onAct: (act: RowAct) => void
  /** The title is to be written. */
  onRename: () => void
}

/** Shows the text of a chapter, and what else can be done with a row. */
export function RowActions({ row, name, isStop, isFixed, onAct, onRename }: RowActionsProps) {
  const t = useTranslations('imports.edits')
  const menu = useRef<HTMLButtonElement>(null)
  const tabIndex = isStop ? 0 : -1
  return (
    <>
      {row.kind === 'chapter' && (
        <ActionIcon
          variant="subtle"
          color="gray"
          tabIndex={tabIndex}
          aria-label={t('read', { title: name })}
          onClick={() => onAct({ kind: 'read', row })}
        >
          <IconEye size={18} aria-hidden />
        </ActionIcon>
      )}
      {!isFixed && (
        // At once, so that the field of the new title takes the focus then.
        <Menu position="bottom-end" withinPortal returnFocus={false} onClose={() => takeFocus(menu.current)}>
          <Menu.Target>
            <ActionIcon
              ref={menu}
              variant="subtle"
              color="gray"
              tabIndex={tabIndex}
              aria-label={t('more', { title: name })}
            >
              <IconDots size={18} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={onRename}>{t('rename')}</Menu.Item>
            {row.kind === 'chapter' ? (
              <>
                <Menu.Item disabled={row.position === 0} onClick={() => onAct({ kind: 'merge', row })}>
                  {t('merge')}
                </Menu.Item>
                <Menu.Item onClick={() => onAct({ kind: 'beginVolume', row })}>{t('beginVolume')}</Menu.Item>
              </>
            ) : (
              <Menu.Item disabled={row.volume === 0} onClick={() => onAct({ kind: 'endVolume', row })}>
                {t('endVolume')}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  )
}

interface TitleFieldProps {
  title: string
  /** `title`: undefined where the old one stays. */
  onEnd: (title: string | undefined) => void
}

/** A title that is written in its row: Enter and leaving it keep what was written, Escape does not. */
export function TitleField({ title, onEnd }: TitleFieldProps) {
  const t = useTranslations('imports.edits')
  const [written, setWritten] = useState(title)
  const end = (text: string) => onEnd(text.trim() === '' || text.trim() === title ? undefined : text.trim())
  return (
    <TextInput
      size="xs"
      aria-label={t('title')}
      className={classes['check'] ?? ''}
      ref={takeFocus}
      value={written}
      maxLength={300}
      autoComplete="off"
      onChange={({ currentTarget }) => setWritten(currentTarget.value)}
      onBlur={() => end(written)}
      onKeyDown={event => {
        if (event.nativeEvent.isComposing) return
        if (event.key === 'Enter') end(written)
        else if (event.key === 'Escape') onEnd(undefined)
        else return
        event.preventDefault()
        event.stopPropagation()
      }}
    />
  )
}
