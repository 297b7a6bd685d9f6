import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys, ofNovel } from '../api/keys.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { NameFields } from '../parts/novel-names.tsx'
import type { NovelOutline } from './novel.ts'
import { TargetField } from './target-words.tsx'

/** Changes what a novel is called, and how long it is to be. */
export function RenameNovel({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.names')
  const queries = useQueryClient()
  const { id: novelId, title, author = '', language = '', targetWords = 0 } = novel
  const before = { title, author, language, targetWords }
  const [names, setNames] = useState(before)
  const isChanged = JSON.stringify(names) !== JSON.stringify(before)
  const save = useMutation({
    mutationFn: () =>
      dataOf(api.PATCH('/v1/novels/{novelId}', { params: { path: { novelId } }, body: names })),
    onSuccess() {
      notifyDone(t('saved'))
      void queries.invalidateQueries({ queryKey: keys.novels })
      void queries.invalidateQueries(ofNovel(novelId))
      onClose()
    },
  })
  return (
    <Dialog title={t('open')} isUnsaved={isChanged && !save.isPending} onClose={onClose} centered>
      <DialogForm
        onSubmit={() => save.mutate()}
        error={save.error}
        action={t('save')}
        isBusy={save.isPending}
        isDisabled={!isChanged || names.title.trim() === ''}
      >
        <NameFields names={names} onChange={part => setNames({ ...names, ...part })} />
        <TargetField
          value={names.targetWords}
          onChange={words => setNames({ ...names, targetWords: words })}
        />
      </DialogForm>
    </Dialog>
  )
}
