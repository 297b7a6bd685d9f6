import { Box, Table } from '@mantine/core'
import type { ReactNode } from 'react'

/** A table that is wider than a phone: it is moved sideways by itself, with the keyboard too. `minWidth`: as CSS. */
export function WideTable({
  label,
  minWidth,
  children,
  ...props
}: {
  label: string
  minWidth: string
  children: ReactNode
  [data: `data-${string}`]: string | number | boolean
}) {
  return (
    <Box role="region" aria-label={label} tabIndex={0} style={{ overflowX: 'auto' }} {...props}>
      <Table miw={minWidth} horizontalSpacing="xs">
        {children}
      </Table>
    </Box>
  )
}
