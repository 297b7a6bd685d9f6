import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './app/app.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { createQueries } from './app/queries.ts'
import { router } from './app/router.tsx'
import { readableColors, theme } from './app/theme.ts'
import { LiveProvider } from './live/live.tsx'
import { Notices } from './parts/notices.tsx'
import { LanguageProvider } from './text/language.tsx'

const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? ''
// Dialogs keep the page below them from scrolling by a style of their own, which takes its nonce from here (get-nonce).
Object.assign(globalThis, { __webpack_nonce__: nonce })
const queries = createQueries()

createRoot(document.getElementById('root') ?? document.body).render(
  <MantineProvider
    theme={theme}
    cssVariablesResolver={readableColors}
    defaultColorScheme="auto"
    getStyleNonce={() => nonce}
  >
    <LanguageProvider>
      <QueryClientProvider client={queries}>
        <Notices />
        <LiveProvider>
          <RouterProvider router={router} />
        </LiveProvider>
      </QueryClientProvider>
    </LanguageProvider>
  </MantineProvider>,
)
