import { Anchor, Box, Button, Group, Paper, Text, UnstyledButton } from '@mantine/core'
import { IconChevronDown, IconChevronRight, IconDownload } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useWriting } from '../text/format.ts'
import { CopyButton, download } from './export-text.tsx'
import classes from './json-view.module.css'

/** A value of the API as its fields say it. */
export interface JsonViewProps {
  value: unknown
  /** What it is, for the copy button, and for those who do not see it. */
  label: string
  /** The name of the file that it can be saved as, with its ending. */
  fileName: string
  /** Levels that are open at first; default 2. */
  openDepth?: number
}

/** Longest text, in UTF-16 code units, that is shown as a tree; what is larger can be saved. */
const largestShown = 300_000
/** Entries of one object or list, and characters of one text, that are shown before one asks for more. */
const entriesAtFirst = 100
const charactersAtFirst = 600

/** Shows a value as a tree that opens and closes. Whole numbers that JSON cannot hold come from the API as text, and stay exact. */
export function JsonView({ value, label, fileName, openDepth = 2 }: JsonViewProps) {
  const t = useTranslations('parts')
  const text = useMemo(() => JSON.stringify(value, null, 2) ?? 'null', [value])
  const isShown = text.length <= largestShown
  return (
    <Paper withBorder p="sm" role="group" aria-label={label}>
      <Group justify="flex-end" gap="xs">
        <CopyButton text={text} label={label} />
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={() => download(fileName, text)}
        >
          {t('download')}
        </Button>
      </Group>
      {isShown ? (
        <Box className={classes['tree']}>
          <Node value={value} depth={0} openDepth={openDepth} />
        </Box>
      ) : (
        <TooLarge length={text.length} />
      )}
    </Paper>
  )
}

function TooLarge({ length }: { length: number }) {
  const t = useTranslations('parts')
  const writing = useWriting()
  return (
    <Text c="dimmed">
      {t('jsonTooLarge')} ({writing.bytes(length)})
    </Text>
  )
}

interface NodeProps {
  name?: string
  value: unknown
  depth: number
  openDepth: number
}

function Node(props: NodeProps) {
  const { value } = props
  if (typeof value === 'object' && value !== null) return <Branch {...props} value={value} />
  return (
    <div className={classes['leaf']}>
      <Name name={props.name} />
      <Leaf value={value} />
    </div>
  )
}

function Name({ name }: { name: string | undefined }) {
  if (name === undefined) return null
  return <span className={classes['name']}>{name}: </span>
}

function Branch({ name, value, depth, openDepth }: NodeProps & { value: object }) {
  const t = useTranslations('actions')
  const [isOpen, setIsOpen] = useState(depth < openDepth)
  const [shown, setShown] = useState(entriesAtFirst)
  const entries = Object.entries(value)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  if (entries.length === 0)
    return (
      <div className={classes['leaf']}>
        <Name name={name} />
        {open}
        {close}
      </div>
    )
  const Icon = isOpen ? IconChevronDown : IconChevronRight
  return (
    <div>
      <UnstyledButton className={classes['toggle']} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <Icon size={14} aria-hidden />
        <Name name={name} />
        <span className={classes['size']}>
          {open}
          {entries.length}
          {close}
        </span>
      </UnstyledButton>
      {isOpen && (
        <div className={classes['below']}>
          {entries.slice(0, shown).map(([key, item]) => (
            <Node key={key} name={key} value={item} depth={depth + 1} openDepth={openDepth} />
          ))}
          {entries.length > shown && (
            <Anchor component="button" type="button" size="sm" onClick={() => setShown(shown + 500)}>
              {t('more')}
            </Anchor>
          )}
        </div>
      )}
    </div>
  )
}

/** A value without parts, coloured by its kind; the quotes distinguish a text from a number. */
function Leaf({ value }: { value: unknown }) {
  const t = useTranslations('actions')
  const [isWhole, setIsWhole] = useState(false)
  if (typeof value !== 'string') return <span className={classes['plain']}>{String(value)}</span>
  const isCut = value.length > charactersAtFirst && !isWhole
  return (
    <span className={classes['text']}>
      {JSON.stringify(isCut ? value.slice(0, charactersAtFirst) : value)}
      {isCut && (
        <>
          {' '}
          <Anchor component="button" type="button" size="sm" onClick={() => setIsWhole(true)}>
            {t('more')}
          </Anchor>
        </>
      )}
    </span>
  )
}
