import { Stack } from '@mantine/core'
import type { ReactNode } from 'react'

/** A page: its head (`PageTitle`), and below it its parts, at equal distances. The frame around it (`.frame`) has the same edges for every page. */
export function Page({ children }: { children: ReactNode }) {
  return <Stack gap="lg">{children}</Stack>
}
