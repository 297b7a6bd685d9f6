import 'uplot/dist/uPlot.min.css'
import { Box, type MantineColorScheme, useComputedColorScheme } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import { useFormatter } from 'use-intl'

/** What bars are drawn of. */
export interface BarsProps {
  /** Epoch milliseconds of the beginnings of days (UTC), rising. */
  times: readonly number[]
  values: readonly number[]
  /** Pixels. */
  height: number
  write: (value: number) => string
  label: string
}

/** Bars over days. A picture alone: what it says stands beside it in words. */
export function Bars({ times, values, height, write, label }: BarsProps) {
  const { ref: sizeRef, width } = useElementSize()
  const [place, setPlace] = useState<HTMLElement | null>(null)
  const ref = useMergedRef(sizeRef, setPlace)
  const scheme = useComputedColorScheme('light')
  const names = useNewestNames(write)
  useEffect(() => {
    if (place === null || width === 0) return
    const options = optionsOf({ colors: colorsOf(place, scheme), width, height, names })
    const plot = new uPlot(options, [times.map(at => at / 1_000), [...values]], place)
    return () => plot.destroy()
  }, [place, width, height, scheme, times, values, names])
  return <Box ref={ref} role="img" aria-label={label} mih={height} data-chart />
}

/** How values and days are written: the plot is older than the functions of this render, and asks for the newest. */
interface Names {
  current: { write: (value: number) => string; day: (seconds: number) => string }
}

function useNewestNames(write: (value: number) => string): Names {
  const format = useFormatter()
  const day = (seconds: number) =>
    format.dateTime(new Date(seconds * 1_000), { day: 'numeric', month: 'short', timeZone: 'UTC' })
  const names = useRef({ write, day })
  useEffect(() => {
    names.current = { write, day }
  })
  return names
}

interface Colors {
  bar: string
  line: string
  text: string
}

/** Returns the colours of the theme, as they are in the light or in the dark. */
function colorsOf(place: HTMLElement, scheme: MantineColorScheme): Colors {
  const styles = getComputedStyle(place)
  const color = (name: string) => styles.getPropertyValue(`--mantine-${name}`).trim()
  return {
    bar: color('primary-color-filled'),
    line: color(scheme === 'dark' ? 'color-dark-4' : 'color-gray-3'),
    text: color('color-dimmed'),
  }
}

interface Drawing {
  colors: Colors
  width: number
  height: number
  names: Names
}

function optionsOf({ colors, width, height, names }: Drawing): uPlot.Options {
  const bars = uPlot.paths.bars?.({ size: [0.7, 48] })
  const axis = { stroke: colors.text, grid: { stroke: colors.line, width: 1 }, ticks: { show: false } }
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    tzDate: at => uPlot.tzDate(new Date(at * 1_000), 'UTC'),
    scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        values: (_plot, days) => days.map(day => names.current.day(day)),
        // A tick is a day at least.
        incrs: [1, 2, 7, 14, 30, 91, 365].map(days => days * 86_400),
      },
      { ...axis, size: 72, values: (_plot, values) => values.map(value => names.current.write(value)) },
    ],
    series: [
      {},
      { fill: colors.bar, width: 0, points: { show: false }, ...(bars === undefined ? {} : { paths: bars }) },
    ],
  }
}
