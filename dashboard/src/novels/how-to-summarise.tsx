import { Radio, Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { type Capabilities, useCapabilities } from '../api/capabilities.ts'
import { TextLink } from '../parts/links.tsx'
import { Pending } from '../parts/states.tsx'

/** The model that quotes. */
const extractive = 'extractive'

/** Returns the models that can summarise now, in the order of preference, and the one that is taken where none is named. */
function summarisersOf(capabilities: Capabilities | undefined) {
  const models = (capabilities?.models ?? []).filter(
    ({ uses, problem }) => uses.includes('summary') && problem === undefined,
  )
  return {
    models,
    preferred: models.find(({ defaultFor }) => defaultFor.includes('summary'))?.id ?? extractive,
  }
}

/** Which model summarises. */
interface Summariser {
  readonly model: string
  /** It is one that writes. */
  readonly writes: boolean
  /** The server has said which models there are. Until then nothing may be asked of any: another one may be preferred. */
  readonly isKnown: boolean
}

/** Returns which model summarises unless the person chooses. */
export function useSummariser(chosen: string | undefined): Summariser {
  const { data } = useCapabilities()
  const model = chosen ?? summarisersOf(data).preferred
  return { model, writes: model !== extractive, isKnown: data !== undefined }
}

/** Lets a person choose how summaries are made. Without models there is one way, and the way to others. */
export function HowToSummarise({ value, onChange }: { value: string; onChange: (model: string) => void }) {
  const t = useTranslations('novels.how')
  const { data, error, refetch } = useCapabilities()
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={2} />
  const { models } = summarisersOf(data)
  if (models.length < 2)
    return (
      <Text>
        {t.rich('onlyPicked', {
          settings: words => (
            <TextLink to="/settings" underline="always">
              {words}
            </TextLink>
          ),
        })}
      </Text>
    )
  return (
    <Radio.Group label={t('label')} value={value} onChange={onChange}>
      <Stack gap="xs" mt="xs">
        {models.map(({ id }) => (
          <Radio
            key={id}
            value={id}
            label={id === extractive ? t('picked') : t('written', { model: id })}
            description={id === extractive ? t('pickedText') : undefined}
          />
        ))}
      </Stack>
    </Radio.Group>
  )
}
