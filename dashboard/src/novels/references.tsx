import { MultiSelect, Stack, Switch, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { Conflict } from '../parts/conflict.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ReferenceNotice } from '../parts/reference-notice.tsx'
import { Pending } from '../parts/states.tsx'
import { type Novel, useNovelEdit, useReferences } from '../queries/novel-queries.ts'
import type { VersionedEdit } from '../queries/versioned-edit.ts'
import type { NovelOutline } from './novel.ts'

type Named = NonNullable<NovelOutline['references']>

const isUsed = ({ state }: Named[number]) => state === 'used'

/** Most references of a novel. */
const most = 3

/** Says whether a novel is a reference, and which references it takes voice and facts from. */
export function References({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.references')
  const { id: novelId, references: named = [] } = novel
  const edit = useNovelEdit(novel, wantedOf, {
    // A reference names none: those that the novel named go when it is marked.
    changeOf: ({ reference, references }) => (reference ? { reference } : { reference, references }),
    onSaved() {
      notifyDone(t('saved'))
      onClose()
    },
  })
  const { typed: wanted, type: setWanted, theirs, isChanged, isPending, error } = edit
  const drops = !wanted.reference && !named.every(isUsed)
  if (theirs !== undefined)
    return (
      <Dialog title={t('open')} isUnsaved={isChanged && !isPending} onClose={onClose} centered>
        <OtherReferences edit={edit} theirs={theirs} named={named} />
      </Dialog>
    )
  return (
    <Dialog title={t('open')} isUnsaved={isChanged && !isPending} onClose={onClose} centered>
      <DialogForm
        onSubmit={() => edit.save()}
        error={error}
        action={t('save')}
        isBusy={isPending}
        isDisabled={!isChanged && !drops}
      >
        <Switch
          label={t('mark')}
          description={t('markHint')}
          checked={wanted.reference}
          onChange={({ currentTarget }) => setWanted({ ...wanted, reference: currentTarget.checked })}
        />
        {!wanted.reference && (
          <NamedReferences
            novelId={novelId}
            named={named}
            chosen={wanted.references}
            onChoose={references => setWanted({ ...wanted, references })}
          />
        )}
      </DialogForm>
    </Dialog>
  )
}

type Wanted = ReturnType<typeof wantedOf>

function wantedOf({ reference, references: named = [] }: Novel) {
  // What gives nothing any more falls out with the next save.
  return { reference: reference === true, references: named.filter(isUsed).map(each => each.novelId) }
}

/** What is chosen beside what somebody else saved meanwhile. */
function OtherReferences({
  edit,
  theirs,
  named,
}: {
  edit: VersionedEdit<Wanted>
  theirs: Wanted
  named: Named
}) {
  const t = useTranslations('novels.references')
  const { data: all = [] } = useReferences()
  const titles = new Map([
    ...named.map(({ novelId, title = novelId }) => [novelId, title] as const),
    ...all.map(({ id, title }) => [id, title] as const),
  ])
  const textOf = ({ reference, references }: Wanted) =>
    reference ? t('mark') : references.map(id => titles.get(id) ?? id).join(t('joint'))
  return <Conflict mine={textOf(edit.typed)} theirs={textOf(theirs)} edit={edit} />
}

interface NamedReferencesProps {
  novelId: string
  named: Named
  chosen: string[]
  onChoose: (chosen: string[]) => void
}

function NamedReferences({ novelId, named, chosen, onChoose }: NamedReferencesProps) {
  const t = useTranslations('novels.references')
  const { data: references, error, refetch } = useReferences()
  const others = references?.filter(({ id }) => id !== novelId) ?? []
  const titles = new Map([
    ...named.filter(isUsed).map(({ novelId: id, title = id }) => [id, title] as const),
    ...others.map(({ id, title }) => [id, title] as const),
  ])
  const data = Array.from(titles, ([value, label]) => ({ value, label }))
  return (
    <>
      {references === undefined && <Pending lines={1} error={error} onRetry={refetch} />}
      {references !== undefined && data.length === 0 && <Text size="sm">{t('none')}</Text>}
      {data.length > 0 && (
        <MultiSelect
          label={t('label')}
          description={t('hint')}
          data={data}
          value={chosen}
          onChange={onChoose}
          maxValues={most}
          searchable
          clearable
        />
      )}
      <Lost named={named} />
      {!named.every(isUsed) && <Text size="sm">{t('drops')}</Text>}
    </>
  )
}

/** The references that are named and give nothing any more. */
function Lost({ named }: { named: Named }) {
  const t = useTranslations('novels.references.lost')
  return named.map(
    ({ novelId, title = novelId, state }) =>
      state !== 'used' && (
        <Text key={novelId} size="sm" c="dimmed" data-lost={state}>
          {t(state, { title })}
        </Text>
      ),
  )
}

/** That a novel is a reference, or the references that it names; nothing where it is none and names none. */
export function ReferencesNotice({ novel: { reference, references = [] } }: { novel: NovelOutline }) {
  const t = useTranslations('novels.references')
  if (reference === true) return <ReferenceNotice />
  if (references.length === 0) return null
  const titles = references.filter(isUsed).map(({ novelId, title = novelId }) => title)
  return (
    <Stack gap={4} data-references>
      {titles.length > 0 && <Text size="sm">{t('named', { titles: titles.join(t('joint')) })}</Text>}
      <Lost named={references} />
    </Stack>
  )
}
