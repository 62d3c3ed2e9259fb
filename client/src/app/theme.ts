import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

// A green whose filled shade carries white text at 4.5:1.
const parley: MantineColorsTuple = [
  '#e9f8f4', '#d3eee6', '#a6dccd', '#76cab2', '#4fba9b', '#36b08d', '#28a984', '#179372', '#0a7a5e', '#005f49'
]

/** theme is Parley's look: the system's fonts, so that nothing is loaded for them, and one colour. */
export const theme = createTheme({
  respectReducedMotion: true,
  primaryColor: 'parley',
  primaryShade: { light: 8, dark: 8 },
  colors: { parley },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  cursorType: 'pointer',
  autoContrast: true,
  components: {
    // The colour of the kind is for the edge and the ground: as text it would be too pale.
    Alert: { styles: { title: { color: 'var(--mantine-color-text)' } } },
    // What is named in a title may be one word of a hundred letters.
    Modal: { styles: { title: { overflowWrap: 'anywhere', lineHeight: 1.3 } } },
    Drawer: { styles: { title: { overflowWrap: 'anywhere', lineHeight: 1.3 } } }
  },
  headings: { sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.125rem' }, h3: { fontSize: '1rem' } } }
})

/** cssVariables: Mantine's dimmed text and its errors are too pale to be read on its own backgrounds (WCAG AA asks for 4.5:1). */
export const cssVariables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': colors.gray[7],
    '--mantine-color-placeholder': colors.gray[7],
    '--mantine-color-error': colors.red[9]
  },
  dark: {
    '--mantine-color-dimmed': colors.dark[1],
    '--mantine-color-placeholder': colors.dark[1],
    '--mantine-color-error': colors.red[4]
  }
})
