import { Alert, Badge, type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

/** The one accent: the colour of ink that has dried for a while. */
const ink: MantineColorsTuple = [
  '#e8f6f8',
  '#d3e9ed',
  '#a5d2da',
  '#74bac7',
  '#4da6b6',
  '#349aac',
  '#2394a7',
  '#0b7285',
  '#046577',
  '#004e5d',
]

/** Spacing, type and colour of every page. Sizes are Mantine's scale; nothing else sets a size in pixels. */
export const theme = createTheme({
  colors: { ink },
  primaryColor: 'ink',
  primaryShade: 7,
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily:
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Mono', 'Liberation Mono', Menlo, monospace",
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.6rem' }, h2: { fontSize: '1.2rem' }, h3: { fontSize: '1.05rem' } },
  },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Alert: Alert.extend({ defaultProps: { variant: 'light' } }),
    Badge: Badge.extend({ defaultProps: { tt: 'none' } }),
  },
})

/** The library's own greys, and its words on light grounds, are too light to be read by everybody (WCAG 1.4.3: 4.5 to 1). */
export const readableColors: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': colors.gray[7],
    '--mantine-color-placeholder': colors.gray[7],
    '--mantine-color-red-text': colors.red[9],
    '--mantine-color-error': colors.red[9],
    '--mantine-color-green-light-color': '#206b31',
    '--mantine-color-yellow-light-color': '#8f4b00',
    '--mantine-color-orange-light-color': '#a8380b',
  },
  dark: { '--mantine-color-dimmed': colors.dark[1], '--mantine-color-placeholder': colors.dark[1] },
})
