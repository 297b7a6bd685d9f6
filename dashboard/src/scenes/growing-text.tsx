import { Box, Button, Text } from '@mantine/core'
import { IconArrowDown } from '@tabler/icons-react'
import { useLayoutEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Output } from '../live/follow-output.ts'
import styles from './scenes.module.css'

/** Pixels from the end within which a person is at the end. */
const nearEnd = 48

/** A text that grows. The view goes along with it as long as the person is at its end; whoever scrolls up to read is left alone. */
export function GrowingText({ output: { text } }: { output: Output }) {
  const t = useTranslations('scenes.now')
  const box = useRef<HTMLDivElement>(null)
  const [isAtEnd, setIsAtEnd] = useState(true)
  useLayoutEffect(() => {
    if (isAtEnd && text !== '') box.current?.scrollTo({ top: box.current.scrollHeight })
  }, [text, isAtEnd])
  if (text === '') return null
  return (
    <Box pos="relative">
      <Box
        component="section"
        ref={box}
        className={styles['growing'] ?? ''}
        tabIndex={0}
        aria-label={t('text')}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setIsAtEnd(scrollHeight - clientHeight - scrollTop < nearEnd)
        }
      >
        <Text component="div" className="prose" data-growing>
          {text}
        </Text>
      </Box>
      {!isAtEnd && (
        <Button
          className={styles['toEnd'] ?? ''}
          size="xs"
          variant="default"
          leftSection={<IconArrowDown size={16} aria-hidden />}
          onClick={() => setIsAtEnd(true)}
        >
          {t('toEnd')}
        </Button>
      )}
    </Box>
  )
}
