import { Button, Select, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconSparkles } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { type Capabilities, summaryModels } from '../api/capabilities.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { DialogForm } from '../parts/form.tsx'
import { ModelTaskDialog } from '../parts/model-task-dialog.tsx'
import { useSubmitAndOpen } from '../queries/task-queries.ts'

/** What a model can read the scenes of a novel for. */
type ReadingTask = 'ProposeCodexEntries' | 'CheckCodex'

interface AskModelProps {
  novelId: string
  taskType: ReadingTask
}

/** The way to have a model read the scenes. */
export function AskModel({ novelId, taskType }: AskModelProps) {
  const t = useTranslations('codex.reading')
  const [isAsking, asking] = useDisclosure()
  return (
    <>
      <Button
        variant="light"
        w="fit-content"
        leftSection={<IconSparkles size={16} aria-hidden />}
        onClick={asking.open}
      >
        {t('open')}
      </Button>
      {isAsking && (
        <ModelTaskDialog title={t(`titles.${taskType}`)} taskType={taskType} onClose={asking.close}>
          {capabilities => <AskForm {...{ novelId, taskType, capabilities }} />}
        </ModelTaskDialog>
      )}
    </>
  )
}

interface AskFormProps extends AskModelProps {
  capabilities: Capabilities
}

/** Asks which model is to read, and says what that costs. */
function AskForm({ novelId, taskType, capabilities }: AskFormProps) {
  const t = useTranslations('codex.reading')
  const models = summaryModels(capabilities)
  const [model, setModel] = useState(models[0]?.id)
  const planned = { taskType, parameters: { novelId, model } }
  const { mutate, error, isPending } = useSubmitAndOpen(planned)
  return (
    <DialogForm
      onSubmit={() => mutate()}
      error={error}
      action={t('action')}
      isBusy={isPending}
      isDisabled={false}
    >
      <Text size="sm">{t(`texts.${taskType}`)}</Text>
      {models.length > 1 && (
        <Select
          label={t('model')}
          data={models.map(({ id }) => id)}
          value={model ?? null}
          onChange={chosen => setModel(chosen ?? undefined)}
          allowDeselect={false}
        />
      )}
      <CostNotice planned={planned} />
    </DialogForm>
  )
}
