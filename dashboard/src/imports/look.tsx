import { Grid, Stack } from '@mantine/core'
import { useMemo, useState } from 'react'
import { BookFacts } from './book-facts.tsx'
import { ChapterList } from './chapter-list.tsx'
import { type Choice, useChoice } from './choice.ts'
import { ConfirmBar } from './confirm-bar.tsx'
import { EncodingChoice } from './encoding-choice.tsx'
import { useImportEstimate } from './import-estimate.ts'
import { plannedImport } from './planned.ts'
import { chaptersOf, type Row, rowsOf, withChapters } from './rows.ts'
import { SpendingChoice } from './spending-choice.tsx'
import type { Preview, Upload, useUpload } from './upload-query.ts'
import { Warnings } from './warnings.tsx'

interface LookProps {
  upload: Upload
  preview: Preview
  reading: ReturnType<typeof useUpload>
}

/** What is in the file, to be corrected and chosen from, and the yes. */
export function Look({ upload, preview, reading }: LookProps) {
  const rows = useMemo(() => rowsOf(preview), [preview])
  const chapters = useMemo(() => chaptersOf(rows), [rows])
  const [choice, change] = useChoice(upload.id, chapters.length)
  const [wanted, setWanted] = useState<{ number: number; at: number }>()
  const chosen = { uploadId: upload.id, choice, chapters, encoding: reading.encoding }
  const estimate = useImportEstimate(plannedImport(chosen))
  const title = choice.title ?? preview.title
  return (
    <>
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="lg">
            <BookFacts preview={preview} title={title} onTitle={given => change({ title: given })} />
            <Encoding upload={upload} preview={preview} reading={reading} />
            <Warnings
              warnings={preview.warnings}
              chapters={chapters}
              onShow={number => setWanted({ number, at: (wanted?.at ?? 0) + 1 })}
            />
            <SpendingChoice choice={choice} onChange={change} estimate={estimate} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Chapters rows={rows} preview={preview} choice={choice} onChange={change} wanted={wanted} />
        </Grid.Col>
      </Grid>
      <ConfirmBar upload={upload} chosen={chosen} title={title} estimate={estimate.data} />
    </>
  )
}

function Encoding({ upload, preview, reading: { encoding, readAs } }: LookProps) {
  return (
    <EncodingChoice
      fileName={upload.fileName}
      encoding={preview.encoding}
      isChosen={encoding !== undefined}
      isBusy={readAs.isPending}
      error={readAs.error}
      onChoose={readAs.mutate}
    />
  )
}

interface ChaptersProps {
  rows: readonly Row[]
  preview: Preview
  choice: Choice
  onChange: ReturnType<typeof useChoice>[1]
  wanted: { number: number; at: number } | undefined
}

function Chapters({ rows, preview, choice, onChange, wanted }: ChaptersProps) {
  const warned = useMemo(
    () => new Set(preview.warnings.flatMap(({ chapter }) => (chapter === undefined ? [] : [chapter]))),
    [preview],
  )
  return (
    <ChapterList
      rows={rows}
      excluded={choice.excluded}
      warned={warned}
      wanted={wanted}
      onChoose={(numbers, isChosen) =>
        onChange({ excluded: withChapters(choice.excluded, numbers, isChosen) })
      }
    />
  )
}
