import { Badge, Tooltip } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useLive } from '../live/live.tsx'
import { useWriting } from '../text/format.ts'

const colors = { starting: 'gray', live: 'green', stale: 'yellow', refused: 'red' } as const

/** Whether what is shown follows the server. */
export function LiveBadge() {
  const t = useTranslations('shell')
  const { state, since } = useLive()
  const writing = useWriting()
  const whole = state === 'stale' ? t('stale', { time: writing.time(since) }) : t(state)
  return (
    <Tooltip label={whole} events={{ hover: true, focus: true, touch: true }}>
      <Badge
        variant="dot"
        color={colors[state]}
        tt="none"
        role="status"
        aria-label={whole}
        data-live={state}
        tabIndex={0}
      >
        {state === 'live' ? t('live') : state === 'refused' ? t('live') : t('starting')}
      </Badge>
    </Tooltip>
  )
}
