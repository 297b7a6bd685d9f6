import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './app/app.css'
import './first/first-view.css'
import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api/client.ts'
import { isFirstViewDrawn } from './api/first-answers.ts'
import { loadPage, router } from './app/router.tsx'
import { readableColors, theme } from './app/theme.ts'
import { LiveProvider } from './live/live.tsx'
import { Notices } from './parts/notify.tsx'
import { dropOldDrafts } from './scenes/draft.ts'
import { LanguageProvider, loadTexts } from './text/language.tsx'

const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? ''
// Dialogs keep the page below them from scrolling by a style of their own, which takes its nonce from here (get-nonce).
Object.assign(globalThis, { __webpack_nonce__: nonce })
const queries = createQueries()
dropOldDrafts()

void begin()

/** Draws the pages. A first view stays until the page that takes its place can be drawn. */
async function begin(): Promise<void> {
  // Side by side, not one after the other.
  const loaded = Promise.allSettled([loadTexts(), loadPage()])
  if (isFirstViewDrawn()) await loaded
  draw()
}

function draw(): void {
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
}

/** Returns whether a request is tried again: until the server answers, with growing pauses. What it refused would be refused again. */
function triesAgain(failures: number, error: unknown): boolean {
  if (!(error instanceof ApiError)) return false
  if (error.status === 0) return error.code === 'OFFLINE'
  return error.status >= 500 && failures < 3
}

/** Makes the cache of what the server knows. The live stream keeps it up to date, so nothing is asked for again by itself. */
function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        gcTime: 300_000,
        refetchOnWindowFocus: false,
        networkMode: 'always',
        retry: triesAgain,
        retryDelay: failures => Math.min(1_000 * 2 ** failures, 10_000),
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
}
