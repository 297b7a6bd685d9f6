import { Button, Center } from '@mantine/core'
import { IconArrowUp } from '@tabler/icons-react'
import { useEffect } from 'react'
import { useTranslations } from 'use-intl'
import type { TaskList } from './task-list.ts'
import classes from './tasks.module.css'

/** Pixels of scrolling up to which one still looks at the beginning of the list. */
const atTopWithin = 120

/**
 * Tasks that came in. Whoever looks at the beginning of the list sees them come; whoever has scrolled on is told how many there are, so
 * that nothing moves under the pointer. At the end of a list that begins with the oldest they move nothing.
 */
export function Arrivals({ list, isOldestFirst }: { list: TaskList; isOldestFirst: boolean }) {
  const t = useTranslations('tasks')
  const { arrived, arrivedMore, takeInArrived } = list
  useEffect(() => {
    if (arrived > 0 && (isOldestFirst || window.scrollY <= atTopWithin)) takeInArrived()
  })
  return (
    <div role="status" className={classes['arrived']}>
      {arrived > 0 && !isOldestFirst && window.scrollY > atTopWithin && (
        <Center>
          <Button
            radius="xl"
            leftSection={<IconArrowUp size={16} aria-hidden />}
            onClick={() => {
              takeInArrived()
              window.scrollTo({ top: 0 })
            }}
          >
            {t(arrivedMore ? 'arrivedMore' : 'arrived', { count: arrived })}
          </Button>
        </Center>
      )}
    </div>
  )
}
