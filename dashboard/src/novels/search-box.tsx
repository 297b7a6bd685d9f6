import { ActionIcon, Kbd, TextInput } from '@mantine/core'
import { IconSearch, IconX } from '@tabler/icons-react'
import { getRouteApi, useLocation, useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, type RefObject, useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { focusHit } from './hit-focus.ts'
import classes from './search.module.css'
import { searchHash } from './search-hash.ts'
import { type Typed, useTyped } from './use-typed.ts'

const route = getRouteApi('/novels/$novelId')

/** Searches the novel while one types. Always in reach: it stays on top, and `/` leads to it. */
export function NovelSearchBox({ novelId }: { novelId: string }) {
  const t = useTranslations('novels.search')
  const { q = '' } = route.useSearch()
  const navigate = useNavigate()
  const field = useRef<HTMLInputElement>(null)
  const search = (text: string) =>
    void navigate({
      to: '/novels/$novelId',
      params: { novelId },
      search: text === '' ? {} : { q: text },
      // Each search is one step back, not each letter.
      replace: q !== '' && text !== '',
      resetScroll: text !== '',
    })
  const typed = useTyped(q, search)
  useShortcuts({ '/': () => field.current?.select() })
  useFocusByAddress(field)
  return (
    <search className={classes['box']}>
      <TextInput
        ref={field}
        type="search"
        aria-label={t('label')}
        placeholder={t('placeholder')}
        value={typed.value}
        onChange={({ currentTarget }) => typed.onType(currentTarget.value)}
        onCompositionStart={typed.onComposeStart}
        onCompositionEnd={({ currentTarget }) => typed.onComposeEnd(currentTarget.value)}
        onKeyDown={event => onKey(event, typed)}
        leftSection={<IconSearch size={18} aria-hidden />}
        rightSection={
          typed.value === '' ? <Kbd aria-hidden>/</Kbd> : <Clear onClear={() => clear(typed, field)} />
        }
        autoComplete="off"
        spellCheck={false}
      />
    </search>
  )
}

/** Who came here to search may type at once. */
function useFocusByAddress(field: RefObject<HTMLInputElement | null>): void {
  const { hash } = useLocation()
  useEffect(() => {
    if (hash === searchHash) field.current?.focus()
  }, [hash, field])
}

function onKey(event: KeyboardEvent, typed: Typed): void {
  // Enter and the arrows belong to what is composed, as long as something is.
  if (event.nativeEvent.isComposing) return
  if (event.key === 'Enter') {
    event.preventDefault()
    typed.settle()
  }
  if (event.key === 'ArrowDown' && focusHit('first')) event.preventDefault()
}

function clear(typed: Typed, field: RefObject<HTMLInputElement | null>): void {
  typed.settle('')
  field.current?.focus()
}

function Clear({ onClear }: { onClear: () => void }) {
  const t = useTranslations('novels.search')
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={t('clear')} onClick={onClear}>
      <IconX size={16} aria-hidden />
    </ActionIcon>
  )
}
