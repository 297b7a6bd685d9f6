import { ActionIcon, Kbd, TextInput } from '@mantine/core'
import { IconSearch, IconX } from '@tabler/icons-react'
import { getRouteApi, useLocation, useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { searchHash } from './novel.ts'
import classes from './search.module.css'
import { focusHit } from './search-results.tsx'

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

/** Milliseconds of rest after which what was typed counts. */
const restMs = 250
/** Milliseconds for which an address that changes is taken for the echo of what was typed. */
const echoMs = 1_000

/** What a field for typing gets. */
interface Typed {
  readonly value: string
  readonly onType: (text: string) => void
  /** A composition, such as of pinyin, begins: its letters are not what is meant. */
  readonly onComposeStart: () => void
  readonly onComposeEnd: (text: string) => void
  /** A text counts at once; default: what was typed. */
  readonly settle: (text?: string) => void
}

/**
 * A text that is typed here and kept elsewhere (the address): it is passed on when the typing rests, and never while something is composed.
 * When the address changes by itself (Back), so does the field; the address that follows the typing never takes letters away.
 */
function useTyped(kept: string, onSettled: (text: string) => void): Typed {
  const [value, setValue] = useState(kept)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const isComposing = useRef(false)
  const typedAt = useRef(Number.NEGATIVE_INFINITY)
  const settled = useRef(kept)
  useEffect(() => {
    if (isComposing.current || performance.now() - typedAt.current < echoMs) return
    settled.current = kept
    setValue(kept)
  }, [kept])
  useEffect(() => () => clearTimeout(timer.current), [])

  const notify = (text: string) => {
    clearTimeout(timer.current)
    const meant = text.trim()
    if (meant === settled.current) return
    settled.current = meant
    onSettled(meant)
  }
  const take = (text: string) => {
    typedAt.current = performance.now()
    setValue(text)
    clearTimeout(timer.current)
    if (!isComposing.current) timer.current = setTimeout(() => notify(text), restMs)
  }
  return {
    value,
    onType: take,
    onComposeStart() {
      isComposing.current = true
      clearTimeout(timer.current)
    },
    onComposeEnd(text) {
      isComposing.current = false
      take(text)
    },
    settle(text = value) {
      take(text)
      notify(text)
    },
  }
}
