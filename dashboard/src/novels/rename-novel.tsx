import { useTranslations } from 'use-intl'
import { Conflict } from '../parts/conflict.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { NameFields } from '../parts/novel-names.tsx'
import { type Novel, useNovelEdit } from '../queries/novel-queries.ts'
import type { VersionedEdit } from '../queries/versioned-edit.ts'
import { useLanguageName } from '../text/format.ts'
import type { NovelOutline } from './novel.ts'
import { TargetField } from './target-words.tsx'

/** Changes what a novel is called, and how long it is to be. */
export function RenameNovel({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.names')
  const edit = useNovelEdit(novel, namesOf, {
    changeOf: names => names,
    onSaved() {
      notifyDone(t('saved'))
      onClose()
    },
  })
  const { typed: names, theirs, isChanged, isPending, error } = edit
  return (
    <Dialog title={t('open')} isUnsaved={isChanged && !isPending} onClose={onClose} centered>
      {theirs === undefined ? (
        <DialogForm
          onSubmit={() => edit.save()}
          error={error}
          action={t('save')}
          isBusy={isPending}
          isDisabled={!isChanged || names.title.trim() === ''}
        >
          <NameFields names={names} onChange={part => edit.type({ ...names, ...part })} />
          <TargetField
            value={names.targetWords}
            onChange={words => edit.type({ ...names, targetWords: words })}
          />
        </DialogForm>
      ) : (
        <OtherNames edit={edit} theirs={theirs} />
      )}
    </Dialog>
  )
}

type Names = ReturnType<typeof namesOf>

function namesOf({ title, author = '', language = '', targetWords = 0 }: Novel) {
  return { title, author, language, targetWords }
}

/** What is typed beside what somebody else saved meanwhile. */
function OtherNames({ edit, theirs }: { edit: VersionedEdit<Names>; theirs: Names }) {
  const t = useTranslations('parts.novelNames')
  const target = useTranslations('novels.target')
  const languageName = useLanguageName()
  const textOf = ({ title, author, language, targetWords }: Names) =>
    [
      `${t('title')}: ${title}`,
      `${t('author')}: ${author}`,
      `${t('language')}: ${languageName(language) ?? language}`,
      `${target('words')}: ${targetWords === 0 ? '' : targetWords}`,
    ].join('\n')
  return <Conflict mine={textOf(edit.typed)} theirs={textOf(theirs)} edit={edit} />
}
