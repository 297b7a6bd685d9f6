import { Button, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Fragment, type ReactNode, useState } from 'react'

/** The fields of one of several items. */
export interface ItemFieldsProps<Item> {
  item: Item
  /** In the list, from 1. */
  number: number
  onChange: (item: Item) => void
  onRemove: () => void
}

interface FieldsListProps<Item> {
  title: string
  hint: string
  /** What the button says that adds an item. */
  action: string
  items: Item[]
  most: number
  /** The item that is added. */
  blank: Item
  onChange: (items: Item[]) => void
  children: (item: ItemFieldsProps<Item>) => ReactNode
}

/** Items that are written in a form, each with its fields, and a button for one more. */
export function FieldsList<Item extends object>(props: FieldsListProps<Item>) {
  const { title, hint, action, items, most, blank, onChange, children } = props
  const keys = useItemKeys<Item>()
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500}>
        {title}
      </Text>
      <Text size="xs" c="dimmed">
        {hint}
      </Text>
      {items.map((item, at) => (
        <Fragment key={keys.of(item)}>
          {children({
            item,
            number: at + 1,
            onChange(changed) {
              keys.replace(item, changed)
              onChange(items.with(at, changed))
            },
            onRemove: () => onChange(items.toSpliced(at, 1)),
          })}
        </Fragment>
      ))}
      {items.length < most && (
        <Button
          variant="default"
          size="xs"
          w="fit-content"
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => onChange([...items, { ...blank }])}
        >
          {action}
        </Button>
      )}
    </Stack>
  )
}

/** Keys of items that have none of their own: an item keeps its key, whatever is typed in it and wherever it moves in the list. */
function useItemKeys<Item extends object>() {
  const [keys] = useState(() => {
    const known = new WeakMap<Item, number>()
    let last = 0
    const of = (item: Item) => {
      const key = known.get(item) ?? ++last
      known.set(item, key)
      return key
    }
    return { of, replace: (item: Item, changed: Item) => void known.set(changed, of(item)) }
  })
  return keys
}
